"""A real Trino, each query with its user's own token: `make trino`, not part of `make test`.

Trino asks for the view of every table first, and what it shows for a refusal is often only its own words: the gate's
sentence stands in the causes, which its command line prints with `--debug`.
"""

import pytest
from clients import REFERENCE, refused_once, told
from tenants import fill, local_configuration

from stack.trino import Cause, TrinoError

pytestmark = [pytest.mark.trino, pytest.mark.cell(engine="Trino 476", idp="Keycloak", catalog="REST fixture")]
FORBIDDEN = "org.apache.iceberg.exceptions.ForbiddenException"


@pytest.fixture(scope="module")
def gate(gates, fixture_catalog):
    """The gate in front of the REST fixture. In `pii` nobody may do anything, in `quiet` nobody may load."""
    tables = [(("pii",), "payroll"), (("quiet",), "diary")]
    fill(f"{fixture_catalog.url}/v1", None, tables, "acme", separator="%2E")
    change = local_configuration()
    change["grants"].append({"tenant": "acme", "who": "all", "at": {"lake": {"acme": [["quiet", "**"]]}},
                             "deny": ["loadTable", "loadView", "credentials", "write", "commit"]})
    with gates(catalog=fixture_catalog.port, change=change) as started:
        yield started


@pytest.fixture
def query(trino, gate, keycloak, namespace):
    """A query of a person, with their token, in a Trino catalog of the test's own, which has the test's name."""
    trino.open_rest_catalog(namespace, gate.url.removesuffix("/iceberg"), "acme", keycloak.user_token("alice"))

    def ask(person, statement, token_of=None):
        return trino.query(statement.format(lake=namespace), person, keycloak.user_token(token_of or person))
    return ask


@pytest.fixture
def table(query, fixture_catalog, namespace):
    """A table of alice's with two rows. The fixture itself would say where it lies without a scheme."""
    place = (fixture_catalog.folder / "warehouse" / namespace / "t").as_uri()
    query("alice", f"CREATE SCHEMA {{lake}}.{namespace}")
    query("alice", f"CREATE TABLE {{lake}}.{namespace}.t (id BIGINT) WITH (location = '{place}')")
    query("alice", f"INSERT INTO {{lake}}.{namespace}.t VALUES 1, 2")
    return f"{{lake}}.{namespace}.t"


def refused(gate, refusal, attempt):
    """What the user is shown, and the causes behind it; the gate refused one request."""
    problem = refused_once(gate, refusal, TrinoError, attempt)
    return problem.name, told(problem.message), [Cause(each.type, told(each.message)) for each in problem.causes]


def test_a_table_is_read_whose_view_may_not_be_loaded(query, gate, table):
    assert query("carol", f"SELECT id FROM {table} ORDER BY id") == [[1], [2]]
    assert gate.wait_for_access(details="view_hidden")["status"] == 404


def test_a_view_that_may_not_be_loaded_is_not_there(query, table, namespace):
    query("alice", f"CREATE VIEW {{lake}}.{namespace}.v AS SELECT 1 AS one")
    assert query("alice", f"SELECT one FROM {{lake}}.{namespace}.v") == [[1]]
    with pytest.raises(TrinoError) as caught:
        query("carol", f"SELECT one FROM {{lake}}.{namespace}.v")
    assert (caught.value.name, caught.value.causes) == ("TABLE_NOT_FOUND", [])
    assert caught.value.message == f"line 1:17: Table '{namespace}.{namespace}.v' does not exist"


def test_a_refused_commit_shows_the_gates_sentence(query, gate, table, namespace):
    sentence = f"Forbidden: carol (tenant acme) may not commit to lake/acme.{namespace}.t: no grant (ref ...)"
    for statement in ("INSERT INTO {} VALUES 3", "DELETE FROM {} WHERE id = 1"):
        assert refused(gate, "grant_missing", lambda: query("carol", statement.format(table))) == (
            "GENERIC_INTERNAL_ERROR", sentence, [])
    assert refused(gate, "grant_missing", lambda: query("carol", f"ALTER TABLE {table} ADD COLUMN x BIGINT")) == (
        "ICEBERG_COMMIT_ERROR", f"Failed to add column: {sentence}", [Cause(FORBIDDEN, sentence)])
    assert query("alice", f"SELECT id FROM {table} ORDER BY id") == [[1], [2]]


# What Trino shows for what else carol may not do, and the gate's sentence behind it.
HIDDEN = {
    "CREATE TABLE {here}.fresh (id BIGINT)": ("Failed to create transaction", "create", "{ns}.fresh"),
    "CREATE TABLE {here}.fresh AS SELECT 1 AS id": ("Failed to create transaction", "create", "{ns}.fresh"),
    "CREATE SCHEMA {lake}.fresh": ("Failed to create namespace 'fresh'", "create", "fresh"),
    "DROP TABLE {here}.t": ("Failed to drop table 't'", "drop", "{ns}.t"),
    "ALTER TABLE {here}.t RENAME TO {here}.u": ("Failed to rename table {ns}.t to {ns}.u", "rename from or to", "{ns}.t"),
}


def test_other_refusals_show_trinos_words_only(query, gate, table, namespace):
    for statement, (shown, verb, place) in HIDDEN.items():
        statement = statement.replace("{here}", f"{{lake}}.{namespace}")
        sentence = f"carol (tenant acme) may not {verb} lake/acme.{place.format(ns=namespace)}: no grant (ref ...)"
        assert refused(gate, "grant_missing", lambda: query("carol", statement)) == (
            "ICEBERG_CATALOG_ERROR", shown.format(ns=namespace), [Cause(FORBIDDEN, f"Forbidden: {sentence}")])


def test_a_denied_table_fails_at_its_view(query, gate):
    assert refused(gate, "grant_denied", lambda: query("carol", "SELECT * FROM {lake}.pii.payroll")) == (
        "ICEBERG_CATALOG_ERROR", "Failed to load view 'payroll'",
        [Cause(FORBIDDEN, "Forbidden: carol (tenant acme) may not read lake/acme.pii.payroll: grants[2] denies it (ref ...)")])


def test_a_refused_list_fails_where_trino_looks_for_the_namespace(query):
    """By `HEAD`, whose answer has no body, so that there is no sentence at all."""
    with pytest.raises(TrinoError) as caught:
        query("carol", "SHOW TABLES FROM {lake}.pii")
    assert (caught.value.message, caught.value.causes) == (
        "Failed to check namespace 'pii'", [Cause(FORBIDDEN, "Forbidden: Forbidden")])


def test_a_warehouse_that_is_not_the_tenants_fails_at_the_first_query(trino, gate, keycloak, namespace):
    token = keycloak.user_token("alice")
    trino.open_rest_catalog(namespace, gate.url.removesuffix("/iceberg"), "globex", token)
    with pytest.raises(TrinoError) as caught:
        trino.query(f"SHOW SCHEMAS FROM {namespace}", "alice", token)
    sentence = "alice (tenant acme) may not use lake/globex: it is not within the tenant's border (ref ...)"
    assert told(caught.value.message) == f"Forbidden: {sentence}"


def test_this_version_keeps_a_persons_first_token(query, table, namespace):
    """Why the documents warn: the gate sees alice, though the second query brings carol's token."""
    query("alice", f"INSERT INTO {table} VALUES 3", token_of="carol")
    assert query("alice", f"SELECT count(*) FROM {table}") == [[3]]


def test_somebody_of_no_tenant_sees_nothing(query, gate):
    name, shown, causes = refused(gate, "tenant_none", lambda: query("bob", "SHOW SCHEMAS FROM {lake}"))
    assert name == "ICEBERG_CATALOG_ERROR"
    assert shown.startswith("Error listing schemas for catalog ") and shown.endswith(": Failed to list namespaces")
    assert causes[-1].message.startswith("Forbidden: bob belongs to no tenant of this gate: ")


def test_one_refused_list_fails_all_of_the_information_schema(query, gate, table, namespace):
    """So where people use tools that look at everything, deny what leads into tables, not their names."""
    for asked in ("tables", "columns"):
        with pytest.raises(TrinoError, match="Failed to list tables") as caught:
            query("carol", f"SELECT table_name FROM {{lake}}.information_schema.{asked}")
        assert "may not list lake/acme.pii: grants[2] denies it" in caught.value.causes[-1].message
        assert REFERENCE.search(caught.value.causes[-1].message)
    one = "SELECT table_name FROM {{lake}}.information_schema.{} WHERE table_schema = '{}'"
    assert query("carol", one.format("tables", namespace)) == [["t"]]
    assert query("carol", one.format("columns", namespace)) == [["t"]]
    # Names may be listed in `quiet`, and nothing be loaded: the name is there, its columns are left out.
    assert query("carol", one.format("tables", "quiet")) == [["diary"]]
    assert query("carol", one.format("columns", "quiet")) == []
