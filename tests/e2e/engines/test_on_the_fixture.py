"""Each engine with a credential of its own in front of another catalog: Iceberg's REST fixture, with files in a folder."""

import pyarrow
import pytest
from pyiceberg.catalog import load_catalog
from starting import duckdb_with_extensions

from stack.java_client import LOCAL
from stack.keycloak import ACCESS_TOKEN
from stack.trino import LOCAL_FILES


def cell(engine):
    """That engine's cell of the table."""
    return pytest.mark.cell(engine=engine, idp="Keycloak", catalog="REST fixture")


@pytest.fixture
def place(fixture_catalog, namespace):
    """Where a table of the test's lies: the fixture itself would say it without a scheme."""
    return (fixture_catalog.folder / "warehouse" / namespace / "t").as_uri()


@cell("Trino 476")
@pytest.mark.trino
def test_trino_speaks_for_alice_on_the_fixture(trino, fixture_gate, keycloak, place, namespace):
    trino.open_user_catalog(namespace, fixture_gate.url, "acme", keycloak.credential("trino"), LOCAL_FILES)
    here = f"{namespace}.{namespace}"
    trino.query(f"CREATE SCHEMA {here}", "alice")
    trino.query(f"CREATE TABLE {here}.t (id BIGINT) WITH (location = '{place}')", "alice")
    trino.query(f"INSERT INTO {here}.t VALUES 1, 2", "alice")
    assert trino.query(f"SELECT id FROM {here}.t ORDER BY id", "carol") == [[1], [2]]


@cell("Spark 4.1 (Iceberg 1.12)")
def test_spark_on_the_fixture(spark, fixture_gate, keycloak, place, namespace):
    spark.open_rest_catalog("fixture", fixture_gate.url, {
        "warehouse": "acme", "oauth2-server-uri": fixture_gate.token_url, "credential": ":".join(keycloak.credential("spark")),
        "io-impl": LOCAL})
    here = f"fixture.{namespace}"
    spark.sql(f"CREATE NAMESPACE {here}")
    spark.sql(f"CREATE TABLE {here}.t (id BIGINT) LOCATION '{place}'")
    spark.sql(f"INSERT INTO {here}.t VALUES (1), (2)")
    assert sorted(spark.sql(f"SELECT id FROM {here}.t")) == [[1], [2]]


@cell("Iceberg Java 1.11")
def test_java_and_a_person_within_it_on_the_fixture(client, fixture_gate, keycloak, namespace):
    catalog = client.open(fixture_gate.url, None, LOCAL, {
        "credential": ":".join(keycloak.credential("java")), "oauth2-server-uri": fixture_gate.token_url, "warehouse": "acme"})
    catalog.create_namespace(namespace)
    catalog.create_table(f"{namespace}.t")
    assert catalog.append(f"{namespace}.t")["records"] == "3"
    alice = catalog.session({ACCESS_TOKEN: keycloak.user_token("alice")})
    assert alice.append(f"{namespace}.t")["records"] == "6"


@cell("PyIceberg 0.12")
@pytest.mark.filterwarnings("ignore:Deprecated in 0.8.0")  # the token endpoint is where it looks for it by itself
def test_pyiceberg_on_the_fixture(fixture_gate, keycloak, place, namespace):
    catalog = load_catalog("fixture", type="rest", uri=fixture_gate.url, warehouse="acme",
                           credential=":".join(keycloak.credential("pyiceberg")))
    rows = pyarrow.table({"id": [1, 2, 3]})
    catalog.create_namespace(namespace)
    catalog.create_table(f"{namespace}.t", schema=rows.schema, location=place).append(rows)
    assert catalog.load_table(f"{namespace}.t").scan().to_arrow().to_pydict() == rows.to_pydict()


@cell("DuckDB 1.5")
def test_duckdb_on_the_fixture(fixture_gate, keycloak, namespace):
    lake, (name, secret) = duckdb_with_extensions(), keycloak.credential("duckdb")
    lake.execute(f"CREATE SECRET gate (TYPE ICEBERG, CLIENT_ID '{name}', CLIENT_SECRET '{secret}', "
                 f"OAUTH2_SERVER_URI '{fixture_gate.token_url}')")
    lake.execute(f"ATTACH 'acme' AS lake (TYPE iceberg, ENDPOINT '{fixture_gate.url}', SECRET gate, "
                 "ACCESS_DELEGATION_MODE 'none')")
    here = f"lake.{namespace}"
    lake.execute(f"CREATE SCHEMA {here}")
    lake.execute(f"CREATE TABLE {here}.t (id BIGINT)")
    lake.execute(f"INSERT INTO {here}.t VALUES (1), (2)")
    assert lake.execute(f"SELECT id FROM {here}.t ORDER BY id").fetchall() == [(1,), (2,)]
