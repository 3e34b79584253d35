"""DuckDB as a person of one of two tenants has it, on the real Nessie: what works, and how a refusal looks there."""

import json
from pathlib import Path

import duckdb
import pytest
from clients import refused_once, told
from tenants import nessie_configuration

from stack.tenants import TENANTS, location

PERSON = {"acme": "alice", "globex": "bob"}
OTHER = {"acme": "globex", "globex": "acme"}
OF_BOTH = pytest.mark.parametrize("tenant", TENANTS)
PACKAGES = Path(duckdb.__file__).parent.parent


@pytest.fixture(scope="module")
def gate(gates, two):
    """The gate with both tenants, in front of their catalog."""
    with gates(catalog=two.nessie.port, change=nessie_configuration()) as started:
        yield started


@pytest.fixture
def attached(gate, two, keycloak):
    """DuckDB with a person's token, and a tenant's warehouse attached as `lake`."""
    def connect(person, tenant, options=""):
        connection = duckdb.connect()
        for extension in ("avro", "httpfs", "iceberg"):
            (file,) = PACKAGES.glob(f"duckdb_extension_{extension}/extensions/*/{extension}.duckdb_extension")
            connection.execute(f"INSTALL '{file}'")
            connection.execute(f"LOAD {extension}")
        keys = two.moto.client_properties()
        connection.execute(f"CREATE SECRET gate (TYPE ICEBERG, TOKEN '{keycloak.user_token(person)}')")
        connection.execute(
            f"CREATE SECRET storage (TYPE S3, KEY_ID '{keys['s3.access-key-id']}', "
            f"SECRET '{keys['s3.secret-access-key']}', REGION '{keys['s3.region']}', "
            f"ENDPOINT '127.0.0.1:{two.moto.port}', URL_STYLE 'path', USE_SSL false)")
        connection.execute(f"ATTACH '{tenant}' AS lake (TYPE iceberg, ENDPOINT '{gate.url}', SECRET gate, "
                           f"ACCESS_DELEGATION_MODE 'none'{options})")
        return connection
    return connect


@OF_BOTH
def test_a_person_works_with_duckdb_in_their_own_tenant(tenant, attached, two, namespace):
    lake = attached(PERSON[tenant], tenant)
    here = f"lake.{namespace}"

    lake.execute(f"CREATE SCHEMA {here}")
    lake.execute(f"CREATE TABLE {here}.t (id BIGINT)")
    lake.execute(f"INSERT INTO {here}.t VALUES (1), (2), (4)")
    lake.execute(f"DELETE FROM {here}.t WHERE id = 2")
    lake.execute(f"ALTER TABLE {here}.t RENAME TO u")

    assert lake.execute(f"SELECT id FROM {here}.u ORDER BY id").fetchall() == [(1,), (4,)]
    assert tables(lake, namespace) == [(namespace, "u")]
    assert two.nessie.entries(tenant)[namespace, "u"]["metadataLocation"].startswith(location(tenant))
    commits = [entry for entry in two.nessie.history(tenant) if namespace in entry["message"]]
    assert len(commits) >= 5
    assert {entry["committer"] for entry in commits} == {PERSON[tenant]}


def test_a_person_of_both_tenants_attaches_both(attached):
    for tenant in TENANTS:
        assert ("raw", "t") in tables(attached("dave", tenant), "raw")


@OF_BOTH
def test_the_others_warehouse_cannot_be_attached_and_why_is_not_said(tenant, attached, gate, two):
    """The reason is in the gate's log; the person sees the status."""
    other = OTHER[tenant]
    heads = [two.nessie.head(each) for each in TENANTS]
    with pytest.raises(duckdb.Error) as caught:
        attached(PERSON[tenant], other)
    assert told(caught.value) == (f"Request to '{gate.url}/v1/config?warehouse={other}' returned a non-200 status code "
                                  "(Forbidden_403), with reason: Forbidden")
    line = gate.wait_for_log(f"{PERSON[tenant]} (tenant {tenant}) may not use lake/{other}: ")
    assert "refusal=outside_border status=403 " in line
    assert [two.nessie.head(each) for each in TENANTS] == heads


def test_a_client_cannot_choose_a_prefix(attached):
    """DuckDB takes it from `/v1/config` alone, where the gate has written the tenant's own."""
    with pytest.raises(duckdb.Error, match="Unhandled options found: prefix"):
        attached("bob", "globex", ", PREFIX 'acme%7Cacme'")


# What carol of acme tries, who may read but in `pii`, the gate's sentence, and how DuckDB puts it.
REFUSED = {
    "SELECT * FROM lake.pii.people": (
        "grant_denied", "may not read lake/acme|acme.pii.people: grants[4] denies it",
        'HTTP Error: GetTableInformation endpoint returned response code Forbidden_403 with message "{sentence}"'),
    "INSERT INTO lake.mart.sales VALUES (1)": (
        "grant_missing", "may not commit to lake/acme|acme.mart.sales: no grant",
        "TransactionContext Error: Failed to commit: Failed to commit Iceberg transaction: Request to "
        "'{api}/transactions/commit' returned a non-200 status code (Forbidden_403). \n"
        " message: {sentence}\n type: ForbiddenException\n reason: Forbidden"),
    "CREATE SCHEMA lake.fresh": (
        "grant_missing", "may not create lake/acme|acme.fresh: no grant",
        "TransactionContext Error: Failed to commit: Failed to commit Iceberg transaction: Request to '{api}/namespaces' "
        "returned a non-200 status code (Forbidden_403), with reason: Forbidden, body: {body}"),
    "DROP TABLE lake.mart.sales": (
        "grant_missing", "may not drop lake/acme|acme.mart.sales: no grant",
        "TransactionContext Error: Failed to commit: Failed to commit Iceberg transaction: Request to "
        "'{api}/namespaces/mart/tables/sales?purgeRequested=false' returned a non-200 status code (Forbidden_403), "
        "with reason: Forbidden, body: {body}"),
    "ALTER TABLE lake.mart.sales RENAME TO mine": (
        "grant_missing", "may not rename from or to lake/acme|acme.mart.sales: no grant",
        "TransactionContext Error: Failed to commit: Failed to commit Iceberg transaction: Request to '{api}/tables/rename' "
        "returned a non-200 status code (Forbidden_403), with reason: Forbidden, body: {body}"),
    "CREATE TABLE lake.mart.fresh (id BIGINT)": (
        "grant_missing", "may not create lake/acme|acme.mart.fresh: no grant",
        "Request to '{api}/namespaces/mart/tables' returned a non-200 status code body: "
        '{{"exception_type":"Invalid Configuration","exception_message":"Request to \'{api}/namespaces/mart/tables\' '
        'returned a non-200 status code (Forbidden_403), with reason: Forbidden, body: {escaped}"}}'),
}


@pytest.mark.parametrize("statement", REFUSED)
def test_a_refusal_within_the_tenant_is_told_with_the_gates_sentence(statement, attached, gate, two):
    refusal, sentence, words = REFUSED[statement]
    lake = attached("carol", "acme")
    head = two.nessie.head("acme")

    problem = refused_once(gate, refusal, duckdb.Error, lambda: lake.execute(statement))

    sentence = f"carol (tenant acme) {sentence} (ref ...)"
    body = f'{{"error":{{"code":403,"message":"{sentence}","type":"ForbiddenException"}}}}'
    assert told(problem) == words.format(
        api=f"{gate.url}/v1/acme%7Cacme", sentence=sentence, body=body, escaped=json.dumps(body)[1:-1])
    assert two.nessie.head("acme") == head


@pytest.mark.parametrize("person", ["alice", "carol"])
def test_a_refused_list_looks_empty(person, attached, gate, two):
    """DuckDB takes a 403 of a list for nothing there, and says nothing."""
    assert ("pii", "people") in two.nessie.entries("acme")
    lake = attached(person, "acme")
    assert tables(lake, "mart") == [("mart", "sales")]
    assert tables(lake, "pii") == []
    gate.wait_for_access(path="/iceberg/v1/acme%7Cacme/namespaces/pii/tables", status=403)


def tables(lake, namespace):
    """What DuckDB lists there."""
    return lake.execute("SELECT table_schema, table_name FROM information_schema.tables "
                        "WHERE table_catalog = 'lake' AND table_schema = ? ORDER BY table_name", [namespace]).fetchall()
