"""What grants allow and deny on a real Nessie, beside the plain cases of `test_tenants.py`: single tables and views,
operations by their names, rules that are only reported, a border without grants, people who are denied everything."""

import json

import pyarrow
import pytest
from gate import until
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError, NoSuchViewError
from tenants import VIEW, address, commit, nessie_configuration, set_property, table
from updates import Updated

from stack import web
from stack.keycloak import claims
from stack.tenants import location, prefix

pytestmark = pytest.mark.usefixtures("left_as_it_was")
JSON = [("Content-Type", "application/json")]
ACME, GLOBEX = f"/iceberg/v1/{prefix('acme')}", f"/iceberg/v1/{prefix('globex')}"
ENGINEER, ANALYST = {"claim": "groups", "has": "/lake/engineer"}, {"claim": "groups", "has": "/lake/analyst"}
SALES = address(ACME, ("mart",), "sales")


def acmes(who, at=None, **rule):
    """A grant of acme's; `at`: places in its warehouse."""
    where = {} if at is None else {"at": {"lake": {"acme|acme": at}}}
    return {"tenant": "acme", "who": who, **rule, **where}


def configuration(*grants, **more):
    """Both tenants, with these grants."""
    return {**nessie_configuration(), "grants": list(grants), **more}


@pytest.fixture(scope="module")
def views(two, keycloak, left_as_it_was):
    """Views `raw.v` and `raw.w` of acme."""
    token = keycloak.exchanged_token(keycloak.user_token("alice"))
    for view in ("v", "w"):
        where = f"{two.nessie.catalog_url}/v1/{prefix('acme')}/namespaces/raw/views"
        web.post(where, bearer=token, json_body={"name": view, **VIEW}).expect(200)
    return two


@pytest.fixture(scope="module")
def granted(gates, views):
    """Analysts read one table and one view, and load the tables of `mart`; engineers may do everything but load views."""
    grants = [
        acmes(ANALYST, [{"namespace": ["raw"], "table": "t"}, {"namespace": ["raw"], "view": "v"}], may=["read"]),
        acmes(ANALYST, [["mart"]], may=["loadTable", "tableExists"]),
        acmes(ENGINEER, may=["all"]),
        acmes(ENGINEER, deny=["loadView", "viewExists"]),
    ]
    with gates(catalog=views.nessie.port, change=configuration(*grants)) as started:
        yield started


@pytest.fixture
def as_carol(granted, keycloak):
    """The status of a request of the analyst's."""
    return lambda method, path: granted.ask(method, f"{ACME}{path}", token=keycloak.user_token("carol")).status


def pyiceberg(gate, lake, keycloak, person):
    """PyIceberg as a person of acme's."""
    # Nessie tells no client that it has views.
    properties = {**lake.client_properties("acme", gate.url), "view-endpoints-supported": "true"}
    return load_catalog(f"{person}-grants", token=keycloak.user_token(person), **properties)


# -- single objects ------------------------------------------------------------------------------------------------------


def test_a_grant_of_one_table_and_one_view_is_one_of_these_alone(as_carol):
    assert (as_carol("GET", "/namespaces/raw/tables/t"), as_carol("HEAD", "/namespaces/raw/tables/t")) == (200, 204)
    assert (as_carol("GET", "/namespaces/raw/views/v"), as_carol("HEAD", "/namespaces/raw/views/v")) == (200, 204)
    # The way there is open, what lies beside it is not.
    for path in ("/namespaces", "/namespaces/raw"):
        assert as_carol("GET", path) == 200
    for path in ("/namespaces/raw/views/w", "/namespaces/raw/tables/v", "/namespaces/raw/tables/none", "/namespaces/raw/tables",
                 "/namespaces/raw/views", "/namespaces/pii", "/namespaces?parent=pii", "/namespaces/pii/tables/people"):
        assert as_carol("GET", path) == 403, path


def test_operations_are_granted_by_their_names(as_carol):
    assert (as_carol("GET", "/namespaces/mart/tables/sales"), as_carol("HEAD", "/namespaces/mart/tables/sales")) == (200, 204)
    assert as_carol("GET", "/namespaces/mart/tables/none") == 404
    assert as_carol("DELETE", "/namespaces/mart/tables/sales") == 403
    assert as_carol("POST", "/namespaces/mart/tables/sales/metrics") == 403


def test_a_denied_view_of_a_name_whose_table_may_be_loaded_looks_as_if_it_were_not_there(granted, two, keycloak):
    """Trino asks for the view of every table first: a 403 would break the table."""
    alice, carol = keycloak.user_token("alice"), keycloak.user_token("carol")
    for token, view in ((alice, "raw/views/t"), (alice, "raw/views/v"), (carol, "mart/views/sales"), (carol, "raw/views/t")):
        hidden = granted.ask("GET", f"{ACME}/namespaces/{view}", token=token)
        assert hidden.status == 404
        error = hidden.json()["error"]
        assert (error["type"], error["code"]) == ("NoSuchViewException", 404)
        head = granted.ask("HEAD", f"{ACME}/namespaces/{view}", token=token)
        assert (head.status, head.body) == (404, b"")
    # As Nessie says it of a view that is not there.
    direct = f"{two.nessie.catalog_url}/v1/{prefix('acme')}/namespaces/raw/views/none"
    own = web.get(direct, bearer=keycloak.exchanged_token(alice)).expect(404).json()["error"]
    assert (own["type"], own["code"]) == (error["type"], error["code"])
    granted.wait_for_log("refused refusal=view_hidden status=404")


def test_pyiceberg_takes_a_hidden_view_for_none(granted, two, keycloak):
    catalog = pyiceberg(granted, two, keycloak, "carol")
    assert catalog.view_exists("raw.v") and not catalog.view_exists("mart.sales")
    with pytest.raises(NoSuchViewError):
        catalog.load_view("mart.sales")
    with pytest.raises(ForbiddenError, match=r"carol \(tenant acme\) may not read lake/acme\|acme\.raw\.w: no grant"):
        catalog.load_view("raw.w")


# -- rules that are not held ---------------------------------------------------------------------------------------------


def test_reported_grants_pass_and_the_border_is_held(gates, two, keycloak, namespace):
    grants = [acmes(ANALYST, may=["read"]), acmes("all", [["pii", "**"]], deny=["read"])]
    change = configuration(*grants, report_only={"grants": True})
    token = keycloak.user_token("carol")
    with gates(catalog=two.nessie.port, change=change) as gate:
        def ask(method, path, content=None, api=ACME):
            body = b"" if content is None else json.dumps(content).encode()
            return gate.ask(method, f"{api}{path}", token=token, headers=JSON, body=body)

        ask("POST", "/namespaces", {"namespace": [namespace]}).expect(200)
        ask("POST", f"/namespaces/{namespace}/tables", table("t")).expect(200)
        ask("GET", "/namespaces/pii/tables/people").expect(200)
        ask("GET", "/namespaces/mart/tables/sales").expect(200)
        catalog = pyiceberg(gate, two, keycloak, "carol")
        rows = pyarrow.table({"id": [1]})
        catalog.create_table(f"{namespace}.u", schema=rows.schema).append(rows)

        missing = gate.log_lines("report_only refusal=grant_missing")
        created = f": carol (tenant acme) may not create lake/acme|acme.{namespace}: no grant"
        assert any(line.endswith(created) for line in missing)
        assert any(f"may not commit to lake/acme|acme.{namespace}.u" in line for line in missing)
        gate.wait_for_count("icegate_report_only.refusal.grant_denied", 1)
        assert gate.count("icegate_report_only.refusal.grant_missing") == len(missing) >= 4
        line = gate.wait_for_log("report_only refusal=grant_denied")
        assert line.endswith(": carol (tenant acme) may not read lake/acme|acme.pii.people: grants[1] denies it")

        elsewhere = table("x", location=location("globex"))
        gate.expect_refusal(ask("GET", "/namespaces", api=GLOBEX), 403, "outside_border")
        gate.expect_refusal(ask("GET", "/namespaces/raw/tables/t@globex"), 403, "name_expression")
        gate.expect_refusal(ask("POST", f"/namespaces/{namespace}/tables", elsewhere), 403, "location_outside")
        gate.expect_counted()


def test_a_border_without_grants(gates, two, keycloak):
    """The catalog decides within it."""
    change = {**nessie_configuration(), "access": "catalog_decides", "grants": None}
    with gates(catalog=two.nessie.port, change=change) as gate:
        carol = keycloak.user_token("carol")
        gate.ask("GET", address(ACME, ("pii",), "people"), token=carol).expect(200)
        content = json.dumps(commit(set_property("by", "carol"))).encode()
        gate.ask("POST", SALES, token=carol, headers=JSON, body=content).expect(200)
        content = json.dumps(commit(set_property("write.data.path", location("globex")))).encode()
        refused = gate.ask("POST", SALES, token=carol, headers=JSON, body=content)
        gate.expect_refusal(refused, 403, "location_outside")
        gate.expect_refusal(gate.ask("GET", f"{GLOBEX}/namespaces", token=carol), 403, "outside_border")
        # Who signs is the catalog's to say as well.
        assert gate.ask("GET", SALES, token=carol).expect(200).json()["config"]["s3.remote-signing-enabled"] == "true"
    assert two.nessie.history("acme")[0]["committer"] == "carol"


# -- people --------------------------------------------------------------------------------------------------------------


def test_who_is_denied_is_refused_with_the_next_request(gates, two, keycloak, tmp_path):
    """Its token is in the cache, and good for minutes."""
    alice, mallory = keycloak.user_token("alice"), keycloak.user_token("mallory")
    updated = Updated(gates, tmp_path, catalog=two.nessie.port, change=nessie_configuration())
    with updated.gate as gate:
        with gate.connect() as connection:
            for token in (alice, mallory, mallory):
                connection.ask("GET", SALES, token=token).expect(200)
            updated.change({"denied": [{"issuer": "corp", "sub": claims(mallory)["sub"]}]})
            until(lambda: connection.ask("GET", SALES, token=mallory).status == 403)
            answer = connection.ask("GET", "/iceberg/v1/config?warehouse=acme", token=mallory)
            sentence = gate.expect_refusal(answer, 403, "caller_denied")
            assert sentence == "mallory is denied by the operator of this gate"
            # Somebody new of the same name is somebody else, and so is everybody else.
            connection.ask("GET", SALES, token=alice).expect(200)
            updated.change({"denied": [{"issuer": "corp", "claim": "groups", "has": ["/t/acme", "/x"]}]})
            until(lambda: connection.ask("GET", SALES, token=alice).status == 403)
            connection.ask("GET", f"{GLOBEX}/namespaces", token=keycloak.user_token("bob")).expect(200)


def test_nobody_comes_to_the_catalog_under_a_forbidden_name(gates, two, keycloak):
    never_as = {"claim": "preferred_username", "in": ["root", "mallory"]}
    change = {**nessie_configuration(), "catalogs": {"lake": {"never_as": never_as}}}
    with gates(catalog=two.nessie.port, change=change) as gate, gate.connect() as connection:
        connection.ask("GET", SALES, token=keycloak.user_token("alice")).expect(200)
        token, before = keycloak.user_token("mallory"), len(two.nessie.access_log())
        for _ in range(3):
            sentence = gate.expect_refusal(connection.ask("GET", SALES, token=token), 403, "minted_never_as")
        assert "mallory" in sentence
        assert [access.user for access in two.nessie.access_log()[before:]] == []
        gate.wait_for_count("icegate_exchanges.issuer.corp.outcome.caller_refused", 1)
