"""Two tenants on one real Nessie, with real tokens: what is another tenant's does not exist, whichever way one asks.

What Nessie alone would do with these requests is in `golden/spellings.txt`: nearly all of them succeed.
"""

import json

import pyarrow
import pytest
from clients import refused_once, told
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField
from tenants import PERSON, VIEW, address, commit, name, nessie_configuration, set_property, table

from stack import web
from stack.tenants import TENANTS, bucket, location, prefix

JSON = [("Content-Type", "application/json")]
OTHER = {"acme": "globex", "globex": "acme"}
OF_BOTH = pytest.mark.parametrize("tenant", TENANTS)
COLUMNS = Schema(NestedField(1, "id", LongType()))


@pytest.fixture(scope="module")
def gate(gates, two):
    """The gate with both tenants, in front of that catalog."""
    with gates(catalog=two.nessie.port, change=nessie_configuration()) as started:
        yield started


@pytest.fixture
def ask(gate, keycloak):
    """A request of a person at the gate, with a body as JSON."""
    def send(person, method, target, content=None):
        body = b"" if content is None else json.dumps(content).encode()
        return gate.ask(method, target, token=keycloak.user_token(person), headers=JSON, body=body)
    return send


@pytest.fixture
def refused(gate, ask, two):
    """Expects a refusal, and that neither tenant's part of the catalog has changed; gives the sentence."""
    def send(refusal, person, method, target, content=None, status=403):
        before = {tenant: two.nessie.head(tenant) for tenant in TENANTS}
        sentence = gate.expect_refusal(ask(person, method, target, content), status, refusal)
        assert {tenant: two.nessie.head(tenant) for tenant in TENANTS} == before
        return sentence
    return send


@pytest.fixture
def pyiceberg(gate, two, keycloak):
    """PyIceberg as a person, through the gate, for a tenant's warehouse."""
    def load(person, tenant, **more):
        properties = {**two.client_properties(tenant, gate.url), **more}
        return load_catalog(f"{person}-{tenant}", token=keycloak.user_token(person), **properties)
    return load


# -- one's own ----------------------------------------------------------------------------------------------------------


@OF_BOTH
def test_a_person_works_in_their_own_tenant(tenant, pyiceberg, two, namespace):
    person = PERSON[tenant]
    catalog = pyiceberg(person, tenant)
    rows = pyarrow.table({"id": [1, 2, 3]})

    catalog.create_namespace(namespace)
    made = catalog.create_table(f"{namespace}.t", schema=rows.schema)
    first = made.metadata_location
    made.append(rows)
    catalog.rename_table(f"{namespace}.t", f"{namespace}.u")
    found = catalog.load_table(f"{namespace}.u")
    # Nobody knows whose a file was that is registered. In acme something is denied, and it could have come from there.
    if tenant == "acme":
        with pytest.raises(ForbiddenError, match="more would be allowed there than where it comes from"):
            catalog.register_table(f"{namespace}.again", first)
    else:
        catalog.register_table(f"{namespace}.again", first)

    assert found.scan().to_arrow().to_pydict() == rows.to_pydict()
    assert found.location().startswith(f"{location(tenant)}/")
    assert sorted(catalog.list_tables(namespace)) == [
        *([] if tenant == "acme" else [(namespace, "again")]), (namespace, "u")]
    commits = [entry for entry in two.nessie.history(tenant) if namespace in entry["message"]]
    assert len(commits) >= 4
    assert {entry["committer"] for entry in commits} == {person}


@OF_BOTH
def test_the_configuration_leads_a_client_to_the_tenants_own_branch(tenant, ask):
    """Nessie itself would say `main|<warehouse>`, where everybody's tables would be together."""
    said = ask(PERSON[tenant], "GET", f"/iceberg/v1/config?warehouse={tenant}").expect(200).json()
    assert {**said["defaults"], **said["overrides"]}["prefix"] == prefix(tenant)


def test_a_person_of_both_tenants_is_told_apart_by_what_the_request_names(ask):
    for tenant in TENANTS:
        loaded = ask("dave", "GET", address(f"/iceberg/v1/{prefix(tenant)}", ("raw",), "t")).expect(200).json()
        assert loaded["metadata"]["location"].startswith(f"{location(tenant)}/")


def test_a_person_of_no_tenant_is_told_which_claim_is_missing(refused):
    sentence = refused("tenant_none", "nobody", "GET", "/iceberg/v1/config?warehouse=acme")
    assert "nobody" in sentence and "groups" in sentence
    refused("tenant_none", "nobody", "GET", address(f"/iceberg/v1/{prefix('acme')}", ("raw",), "t"))


# -- the other's --------------------------------------------------------------------------------------------------------

# Every kind of request, within a warehouse.
REQUESTS = {
    "list namespaces": ("GET", "/namespaces", None),
    "look into a namespace": ("GET", "/namespaces/raw", None),
    "list tables": ("GET", "/namespaces/raw/tables", None),
    "list views": ("GET", "/namespaces/raw/views", None),
    "load": ("GET", "/namespaces/raw/tables/t", None),
    "create a namespace": ("POST", "/namespaces", {"namespace": ["new"]}),
    "change a namespace": ("POST", "/namespaces/raw/properties", {"removals": [], "updates": {"a": "b"}}),
    "drop a namespace": ("DELETE", "/namespaces/raw", None),
    "create": ("POST", "/namespaces/raw/tables", table("new")),
    "commit": ("POST", "/namespaces/raw/tables/t", commit(set_property("a", "b"))),
    "commit to several": ("POST", "/transactions/commit", {
        "table-changes": [{"identifier": name(["raw"], "t"), **commit(set_property("a", "b"))}]}),
    "rename": ("POST", "/tables/rename", {"source": name(["raw"], "t"), "destination": name(["raw"], "u")}),
    "register": ("POST", "/namespaces/raw/register", {"name": "new", "metadata-location": "s3://acme-lake/wh/x.json"}),
    "drop": ("DELETE", "/namespaces/raw/tables/t", None),
    "create a view": ("POST", "/namespaces/raw/views", {"name": "v", **VIEW}),
    "report": ("POST", "/namespaces/raw/tables/t/metrics", {"report-type": "scan-report"}),
    "sign": ("POST", "/s3sign/opaque", {"region": "us-east-1", "method": "GET", "uri": "http://s3/x", "headers": {}}),
}


@OF_BOTH
@pytest.mark.parametrize("what", REQUESTS)
def test_nothing_is_reached_in_the_others_warehouse(tenant, what, refused):
    method, path, content = REQUESTS[what]
    theirs = refused("outside_border", PERSON[tenant], method, f"/iceberg/v1/{prefix(OTHER[tenant])}{path}", content)
    # Whether there is such a warehouse is not told.
    nobodys = refused("outside_border", PERSON[tenant], method, f"/iceberg/v1/x%7Cnothing{path}", content)
    assert theirs.replace(f"{OTHER[tenant]}|{OTHER[tenant]}", "?") == nobodys.replace("x|nothing", "?")


@OF_BOTH
def test_the_others_warehouse_cannot_be_configured(tenant, refused):
    for asked in (OTHER[tenant], location(OTHER[tenant]).replace("/", "%2F"), f"{OTHER[tenant]}%7C{OTHER[tenant]}"):
        refused("outside_border", PERSON[tenant], "GET", f"/iceberg/v1/config?warehouse={asked}")
    refused("warehouse_missing", PERSON[tenant], "GET", "/iceberg/v1/config", status=400)


@OF_BOTH
def test_whether_the_other_has_a_table_is_not_told(tenant, ask):
    for path in ("/namespaces/raw/tables/t", "/namespaces/raw/tables/none", "/namespaces/raw"):
        answer = ask(PERSON[tenant], "HEAD", f"/iceberg/v1/{prefix(OTHER[tenant])}{path}")
        assert (answer.status, answer.body) == (403, b"")


@OF_BOTH
def test_names_do_not_lead_into_the_others_branch(tenant, refused, two):
    """Nessie reads `t@branch` and `t#hash` wherever a table is named, in bodies too."""
    person, api, other = PERSON[tenant], f"/iceberg/v1/{prefix(tenant)}", OTHER[tenant]
    there, head = f"t@{other}", two.nessie.head(other)
    for method, path, content in (
        ("GET", f"/namespaces/raw/tables/{there}", None),
        ("GET", f"/namespaces/raw/tables/t%40{other}", None),
        ("GET", f"/namespaces/raw/tables/t%23{head}", None),
        ("GET", f"/namespaces/raw/tables/%60{there}%60", None),
        ("GET", f"/namespaces/raw/tables/'{there}'", None),
        ("POST", f"/namespaces/raw/tables/{there}", commit(set_property("a", "b"))),
        ("DELETE", f"/namespaces/raw/tables/{there}", None),
        ("POST", "/tables/rename", {"source": name(["raw"], there), "destination": name(["raw"], "stolen")}),
        ("POST", "/tables/rename", {"source": name(["raw"], "t"), "destination": name(["raw"], f"gift@{other}")}),
        ("POST", "/tables/rename", {"source": name(["raw"], f"t#{head}"), "destination": name(["raw"], "stolen")}),
        ("POST", "/namespaces/raw/tables", table(f"new@{other}")),
        ("POST", "/namespaces/raw/tables", table(f"new@{other}", **{"stage-create": True})),
        ("POST", "/namespaces/raw/register", {"name": f"new@{other}", "metadata-location": f"{location(tenant)}/x.json"}),
        ("POST", "/namespaces/raw/views", {"name": f"v@{other}", **VIEW}),
    ):
        refused("name_expression", person, method, f"{api}{path}", content)


@OF_BOTH
def test_no_other_reference_or_hash_in_the_prefix(tenant, refused, two):
    head = two.nessie.head(OTHER[tenant])
    for there in (OTHER[tenant], f"{tenant}@{head}%7C{tenant}", f"%40{head}", "main", "-", f"%7C{tenant}", tenant,
                  f"{OTHER[tenant]}%7C{tenant}", f"{tenant}%7C{OTHER[tenant]}"):
        refused("outside_border", PERSON[tenant], "GET", f"/iceberg/v1/{there}/namespaces/raw/tables/t")


# -- storage ------------------------------------------------------------------------------------------------------------

SPELLINGS_OF_THEIRS = ("s3://{}/wh/x", "s3a://{}/wh/x", "S3://{}/wh/x", "s3://{own}/../{}/wh/x", "s3://{own}/%2e%2e/{}/x",
                       "s3://{own}-{}/x", "s3://{}", "file:///tmp/x", "/tmp/x")


@OF_BOTH
@pytest.mark.parametrize("spelling", SPELLINGS_OF_THEIRS)
def test_no_table_is_pointed_at_the_others_storage(tenant, spelling, refused):
    place = spelling.format(bucket(OTHER[tenant]), own=bucket(tenant))
    person, api = PERSON[tenant], f"/iceberg/v1/{prefix(tenant)}"
    tables, one = f"{api}/namespaces/raw/tables", f"{api}/namespaces/raw/tables/t"
    paths = ("write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path")
    for target, content in (
        (tables, table("new", location=place)),
        *((tables, table("new", properties={path: place})) for path in paths),
        *((one, commit(set_property(path, place))) for path in paths),
        (one, commit({"action": "set-location", "location": place})),
        (f"{api}/transactions/commit", {"table-changes": [
            {"identifier": name(["raw"], "t"), **commit({"action": "set-location", "location": place})}]}),
        (f"{api}/namespaces/raw/register", {"name": "new", "metadata-location": f"{place}/v1.metadata.json"}),
        (f"{api}/namespaces/raw/views", {"name": "v", "location": place, **VIEW}),
        (f"{api}/namespaces", {"namespace": ["new"], "properties": {"location": place}}),
        (f"{api}/namespaces/raw/properties", {"removals": [], "updates": {"location": place}}),
    ):
        refused("location_outside", person, "POST", target, content)


@OF_BOTH
def test_nessies_own_snapshots_are_not_registered(tenant, refused):
    """Nessie would take the other's table by such an address, and put it where the address says, not the request."""
    for there in (f"{OTHER[tenant]}/snapshot/raw.t", f"{tenant}/snapshot/raw.t"):
        address_of_it = f"http://gate.test/catalog/v1/trees/{there}?format=iceberg"
        refused("location_outside", PERSON[tenant], "POST", f"/iceberg/v1/{prefix(tenant)}/namespaces/raw/register",
                {"name": "stolen", "metadata-location": address_of_it})


def test_storage_is_signed_for_below_ones_own_locations_only(refused, ask, two, keycloak):
    """As bob: acme denies something at `pii`, and from a signing path nobody can tell whether it is meant."""
    api = f"/iceberg/v1/{prefix('globex')}"
    own = ask("bob", "GET", f"{api}/namespaces/raw/tables/t").expect(200).json()
    signer = f"/iceberg/{own['config']['s3.signer.endpoint']}"
    token = keycloak.exchanged_token(keycloak.user_token("alice"))
    acme = f"{two.nessie.catalog_url}/v1/{prefix('acme')}"
    theirs = web.get(address(acme, ("raw",), "t"), bearer=token).expect(200).json()

    def wish(stored):
        uri = f"{two.moto.url}/{stored.removeprefix('s3://')}"
        return {"region": "us-east-1", "method": "GET", "uri": uri, "headers": {"Host": ["s3"]}}

    ask("bob", "POST", signer, wish(own["metadata-location"])).expect(200)
    refused("location_outside", "bob", "POST", signer, wish(theirs["metadata-location"]))
    stolen = f"{api}/s3sign/{theirs['config']['s3.signer.endpoint'].rpartition('/')[2]}"
    refused("location_outside", "bob", "POST", stolen, wish(theirs["metadata-location"]))
    for up in ("..", "%2e%2e", "%2E."):
        there = "/".join([own["metadata"]["location"], *[up] * 4, bucket("acme"), "wh/x"])
        refused("location_outside", "bob", "POST", signer, wish(there))


# -- grants within a tenant ---------------------------------------------------------------------------------------------


def test_an_analyst_reads_and_does_not_write(ask, refused):
    api = f"/iceberg/v1/{prefix('acme')}"
    for path in ("/namespaces", "/namespaces/mart", "/namespaces/mart/tables", "/namespaces/mart/tables/sales"):
        ask("carol", "GET", f"{api}{path}").expect(200)
    for method, path, content in (
        ("POST", "/namespaces", {"namespace": ["new"]}),
        ("POST", "/namespaces/mart/tables", table("new")),
        ("POST", "/namespaces/mart/tables/sales", commit(set_property("a", "b"))),
        ("POST", "/tables/rename", {"source": name(["mart"], "sales"), "destination": name(["mart"], "x")}),
        ("POST", "/transactions/commit", {"table-changes": [
            {"identifier": name(["mart"], "sales"), **commit(set_property("a", "b"))}]}),
        ("DELETE", "/namespaces/mart/tables/sales", None),
    ):
        sentence = refused("grant_missing", "carol", method, f"{api}{path}", content)
        assert sentence.startswith("carol (tenant acme) may not ") and "no grant" in sentence


@pytest.mark.parametrize("person", ["alice", "carol", "dave"])
def test_what_is_denied_is_denied_to_all(person, refused):
    api = f"/iceberg/v1/{prefix('acme')}"
    for path in ("/namespaces/pii", "/namespaces/pii/tables", "/namespaces/pii/tables/people", "/namespaces?parent=pii"):
        refused("grant_denied", person, "GET", f"{api}{path}")


def test_a_denied_place_is_denied_wherever_a_request_names_it(refused):
    api, denied = f"/iceberg/v1/{prefix('acme')}", name(["pii"], "people")
    change = commit(set_property("a", "b"))
    for path, content in (
        ("/tables/rename", {"source": denied, "destination": name(["raw"], "stolen")}),
        ("/tables/rename", {"source": name(["raw"], "t"), "destination": name(["pii"], "t")}),
        ("/transactions/commit", {"table-changes": [{"identifier": name(["raw"], "t"), **change},
                                                    {"identifier": denied, **change}]}),
        ("/namespaces/pii/tables", table("new")),
        ("/namespaces", {"namespace": ["pii", "deep"]}),
    ):
        refused("grant_denied", "alice", "POST", f"{api}{path}", content)


# -- what PyIceberg shows (others: test_duckdb.py, test_java.py) ---------------------------------------------------------


def test_pyiceberg_says_that_it_is_another_tenants(pyiceberg):
    with pytest.raises(ForbiddenError, match=r"bob .*acme.* \(ref "):
        pyiceberg("bob", "acme")
    catalog = pyiceberg("bob", "globex", prefix=prefix("acme"))
    for attempt in (
        catalog.list_namespaces,
        lambda: catalog.load_table("raw.t"),
        lambda: catalog.create_table("raw.new", COLUMNS),
        lambda: catalog.rename_table("raw.t", "raw.u"),
        lambda: catalog.drop_table("raw.t"),
    ):
        with pytest.raises(ForbiddenError, match=r"bob .*acme\|acme.* \(ref "):
            attempt()


def test_pyiceberg_says_which_grant_an_analyst_lacks(pyiceberg, two):
    catalog = pyiceberg("carol", "acme")
    sales = catalog.load_table("mart.sales")
    head = two.nessie.head("acme")
    with pytest.raises(ForbiddenError, match=r"carol \(tenant acme\) may not commit to lake/acme\|acme\.mart\.sales: no grant"):
        with sales.transaction() as transaction:
            transaction.set_properties(a="b")
    with pytest.raises(ForbiddenError, match=r"may not create .*mart\.new: no grant"):
        catalog.create_table("mart.new", COLUMNS)
    with pytest.raises(ForbiddenError, match=r"may not read lake/acme\|acme\.pii\.people: .*denies it"):
        catalog.load_table("pii.people")
    assert two.nessie.head("acme") == head


def test_pyiceberg_shows_the_gates_sentence_but_where_an_answer_has_no_body(pyiceberg, gate):
    catalog = pyiceberg("carol", "acme")
    sales = catalog.load_table("mart.sales")
    for attempt, refusal, sentence in (
        (lambda: catalog.list_tables("pii"), "grant_denied", "may not list lake/acme|acme.pii: grants[4] denies it"),
        (lambda: catalog.load_table("pii.people"), "grant_denied", "may not read lake/acme|acme.pii.people: grants[4] denies it"),
        (lambda: catalog.drop_table("mart.sales"), "grant_missing", "may not drop lake/acme|acme.mart.sales: no grant"),
        (lambda: sales.transaction().set_properties(a="b").commit_transaction(), "grant_missing",
         "may not commit to lake/acme|acme.mart.sales: no grant"),
    ):
        problem = refused_once(gate, refusal, ForbiddenError, attempt)
        assert told(problem) == f"ForbiddenException: carol (tenant acme) {sentence} (ref ...)"
    with pytest.raises(ForbiddenError) as caught:
        catalog.view_exists("pii.people")  # asks by HEAD
    assert str(caught.value) == "ForbiddenError: RestError: Forbidden"
