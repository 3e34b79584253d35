"""Iceberg's own Java client, which Spark, Flink and Trino have within, as people of two tenants have it.

What it does not take for a refusal would be worse than one: a commit whose outcome it does not know stops a job, and
what it takes for a fault of the moment it asks again.
"""

import pytest
from clients import refused_once, told
from gate import REFERENCE
from tenants import fill, local_configuration, nessie_configuration

from stack.java_client import IN_MEMORY, LOCAL, JavaClient, JavaError
from stack.tenants import TENANTS, bucket, location, prefix

PERSON = {"acme": "alice", "globex": "bob"}
OTHER = {"acme": "globex", "globex": "acme"}
OF_BOTH = pytest.mark.parametrize("tenant", TENANTS)
FORBIDDEN = "org.apache.iceberg.exceptions.ForbiddenException"
NO_VIEW = "org.apache.iceberg.exceptions.NoSuchViewException"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The program; each test opens catalogs in it."""
    with JavaClient(tmp_path_factory.mktemp("java")) as started:
        yield started


@pytest.fixture(scope="module")
def gate(gates, two):
    """The gate with both tenants, in front of Nessie."""
    with gates(catalog=two.nessie.port, change=nessie_configuration()) as started:
        yield started


@pytest.fixture
def nessie(client, gate, keycloak):
    """Opens a tenant's warehouse as a person. Nessie does not say that it has views, so the client is told."""
    def open_as(person, tenant, **more):
        return client.open(gate.url, keycloak.user_token(person), IN_MEMORY, {
            "warehouse": tenant, "view-endpoints-supported": "true", **more})
    return open_as


@pytest.fixture(scope="module")
def local_gate(gates, fixture_catalog):
    """The gate in front of the REST fixture, whose tables lie in a local folder; analysts may load no view there."""
    fill(f"{fixture_catalog.url}/v1", None, [(("mart",), "sales"), (("pii",), "people")], "acme", separator="%2E")
    with gates(catalog=fixture_catalog.port, change=local_configuration()) as started:
        yield started


@pytest.fixture
def local(client, local_gate, keycloak):
    """Opens that catalog as a person."""
    def open_as(person):
        uri = local_gate.url.removesuffix("/iceberg")
        return client.open(uri, keycloak.user_token(person), LOCAL, {"warehouse": "acme"})
    return open_as


def refused(gate, refusal, attempt):
    """The client's words for a refusal of the gate, which came once, and not as the cause of something else."""
    problem = refused_once(gate, refusal, JavaError, attempt)
    assert (problem.type, problem.causes) == (FORBIDDEN, [])
    return told(problem.message)


# -- on Nessie ----------------------------------------------------------------------------------------------------------


@OF_BOTH
def test_a_person_works_with_java_in_their_own_tenant(tenant, nessie, two, namespace):
    catalog = nessie(PERSON[tenant], tenant)
    t, u, v, again = (f"{namespace}.{name}" for name in ("t", "u", "v", "again"))

    catalog.create_namespace(namespace)
    made = catalog.create_table(t)
    assert made["location"].startswith(f"{location(tenant)}/")
    assert catalog.set_properties(t, {"turn": "1"})["properties"]["turn"] == "1"
    catalog.commit_transaction([t], {"turn": "2"})
    catalog.append(t)
    catalog.rename_table(t, u)
    catalog.create_view(v)

    assert namespace in catalog.list_namespaces()
    assert catalog.list_tables(namespace) == [u]
    assert catalog.list_views(namespace) == [v]
    assert catalog.load_view(v).endswith(v)
    assert (catalog.table_exists(u), catalog.table_exists(t)) == (True, False)
    found = catalog.load_table(u)
    assert (found["properties"]["turn"], found["records"]) == ("2", "3")
    if tenant == "globex":  # in acme something is denied, and nobody knows whose a registered file was
        assert catalog.register_table(again, made["metadata"])["records"] == "0"
    assert catalog.drop_table(u) is True
    commits = [entry for entry in two.nessie.history(tenant) if namespace in entry["message"]]
    assert len(commits) >= 7
    assert {entry["committer"] for entry in commits} == {PERSON[tenant]}


@OF_BOTH
def test_the_others_warehouse_cannot_be_opened(tenant, nessie, gate):
    person, other = PERSON[tenant], OTHER[tenant]
    assert refused(gate, "outside_border", lambda: nessie(person, other)) == (
        f"Forbidden: {person} (tenant {tenant}) may not use lake/{other}: it is not within the tenant's border (ref ...)")


# All that a client can do in a catalog.
ATTEMPTS = {
    "list namespaces": lambda catalog: catalog.list_namespaces(),
    "list tables": lambda catalog: catalog.list_tables("raw"),
    "list views": lambda catalog: catalog.list_views("raw"),
    "create a namespace": lambda catalog: catalog.create_namespace("fresh"),
    "create": lambda catalog: catalog.create_table("raw.fresh"),
    "load": lambda catalog: catalog.load_table("raw.t"),
    "look whether it exists": lambda catalog: catalog.table_exists("raw.t"),
    "rename": lambda catalog: catalog.rename_table("raw.t", "raw.u"),
    "register": lambda catalog: catalog.register_table("raw.fresh", f"s3://{bucket('acme')}/wh/x.metadata.json"),
    "drop": lambda catalog: catalog.drop_table("raw.t"),
    "load a view": lambda catalog: catalog.load_view("raw.v"),
    "create a view": lambda catalog: catalog.create_view("raw.v"),
}


@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_prefix_of_the_clients_own_choice_leads_nowhere(what, nessie, gate, two):
    catalog = nessie("bob", "globex", prefix=prefix("acme"))
    heads = [two.nessie.head(each) for each in TENANTS]
    assert refused(gate, "outside_border", lambda: ATTEMPTS[what](catalog)) == (
        "Forbidden: bob (tenant globex) may not use lake/acme|acme: it is not within the tenant's border (ref ...)")
    assert [two.nessie.head(each) for each in TENANTS] == heads


# What carol of acme tries, who may read but in `pii`, and the gate's reason.
REFUSED = {
    "set a property": ("commit to", "mart.sales", "no grant", lambda it: it.set_properties("mart.sales", {"a": "b"})),
    "append": ("commit to", "mart.sales", "no grant", lambda it: it.append("mart.sales")),
    "commit to all": ("commit to", "mart.sales", "no grant", lambda it: it.commit_transaction(["mart.sales"], {"a": "b"})),
    "create": ("create", "mart.fresh", "no grant", lambda it: it.create_table("mart.fresh")),
    "create a view": ("create", "mart.v", "no grant", lambda it: it.create_view("mart.v")),
    "create a namespace": ("create", "fresh", "no grant", lambda it: it.create_namespace("fresh")),
    "rename": ("rename from or to", "mart.sales", "no grant", lambda it: it.rename_table("mart.sales", "mart.x")),
    "drop": ("drop", "mart.sales", "no grant", lambda it: it.drop_table("mart.sales")),
    "load": ("read", "pii.people", "grants[4] denies it", lambda it: it.load_table("pii.people")),
    "load a view": ("read", "pii.people", "grants[4] denies it", lambda it: it.load_view("pii.people")),
    "list": ("list", "pii", "grants[4] denies it", lambda it: it.list_tables("pii")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_within_the_tenant_is_told_with_the_gates_sentence(what, nessie, gate, two):
    verb, place, reason, attempt = REFUSED[what]
    refusal = "grant_missing" if reason == "no grant" else "grant_denied"
    carol, head = nessie("carol", "acme"), two.nessie.head("acme")
    assert refused(gate, refusal, lambda: attempt(carol)) == (
        f"Forbidden: carol (tenant acme) may not {verb} lake/acme|acme.{place}: {reason} (ref ...)")
    assert two.nessie.head("acme") == head


# -- on the fixture, where the client writes files ----------------------------------------------------------------------


def test_a_refused_append_leaves_no_file_behind(local, local_gate, fixture_catalog, namespace):
    """Only when the client knows that nothing was committed does it remove what it has written."""
    def files():
        return sorted(place for place in (fixture_catalog.folder / "warehouse" / namespace).rglob("*") if place.is_file())

    alice, carol, t = local("alice"), local("carol"), f"{namespace}.t"
    alice.create_namespace(namespace)
    alice.create_table(t)
    assert alice.append(t)["records"] == "3"
    before = files()
    assert any(place.suffix == ".avro" for place in before)

    assert refused(local_gate, "grant_missing", lambda: carol.append(t)) == (
        f"Forbidden: carol (tenant acme) may not commit to lake/acme.{t}: no grant (ref ...)")

    assert files() == before
    assert alice.load_table(t)["records"] == "3"


def test_a_transaction_is_refused_whole(local, local_gate, namespace):
    alice, carol = local("alice"), local("carol")
    both = [f"{namespace}.a", f"{namespace}.b"]
    alice.create_namespace(namespace)
    for each in both:
        alice.create_table(each)
    alice.commit_transaction(both, {"turn": "1"})
    assert refused(local_gate, "grant_missing", lambda: carol.commit_transaction(both, {"turn": "2"})) == (
        f"Forbidden: carol (tenant acme) may not commit to lake/acme.{both[0]}: no grant (ref ...)")
    assert [alice.load_table(each)["properties"]["turn"] for each in both] == ["1", "1"]


def test_a_denied_view_of_a_table_that_may_be_loaded_is_no_view(local, local_gate):
    """Trino asks for the view of every table first, and goes on to the table at a 404 only."""
    carol = local("carol")
    with pytest.raises(JavaError) as caught:
        carol.load_view("mart.sales")
    assert caught.value.type == NO_VIEW
    assert told(caught.value.message) == (
        "carol (tenant acme) may not read lake/acme.mart.sales: grants[3] denies it (ref ...)")
    line = local_gate.wait_for_access(id=REFERENCE.search(caught.value.message)[1])
    assert (line["status"], line["details"]) == (404, "view_hidden")
    assert carol.load_table("mart.sales")["records"] == "0"
    assert refused(local_gate, "grant_denied", lambda: carol.load_view("pii.people")) == (
        "Forbidden: carol (tenant acme) may not read lake/acme.pii.people: grants[2] denies it (ref ...)")


def test_whether_a_denied_table_exists_is_not_told_and_why_neither(local):
    """This catalog has `HEAD`, whose answers have no body."""
    for name in ("pii.people", "pii.none"):
        with pytest.raises(JavaError) as caught:
            local("carol").table_exists(name)
        assert (caught.value.type, caught.value.message) == (FORBIDDEN, "Forbidden: Forbidden")
