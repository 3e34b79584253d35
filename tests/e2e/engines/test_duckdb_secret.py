"""DuckDB with an OAuth2 secret of its own."""

import time

import duckdb
import pytest
from lives import short_lives
from starting import duckdb_with_extensions

CELL = pytest.mark.cell(engine="DuckDB 1.5", idp="Keycloak", catalog="Nessie")


@pytest.fixture
def attached(lake_gate, two, keycloak):
    """DuckDB with acme's warehouse attached as `lake`, by an engine's id and secret."""
    def connect(engine="duckdb", secret=None, more="", at=lake_gate):
        name, known = keycloak.credential(engine)
        connection = duckdb_with_extensions()
        keys = two.moto.client_properties()
        connection.execute(f"CREATE SECRET gate (TYPE ICEBERG, CLIENT_ID '{name}', CLIENT_SECRET '{secret or known}', "
                           f"OAUTH2_SERVER_URI '{at.token_url}'{more})")
        connection.execute(
            f"CREATE SECRET storage (TYPE S3, KEY_ID '{keys['s3.access-key-id']}', "
            f"SECRET '{keys['s3.secret-access-key']}', REGION '{keys['s3.region']}', "
            f"ENDPOINT '127.0.0.1:{two.moto.port}', URL_STYLE 'path', USE_SSL false)")
        connection.execute(f"ATTACH 'acme' AS lake (TYPE iceberg, ENDPOINT '{at.url}', SECRET gate, "
                           f"ACCESS_DELEGATION_MODE 'none')")
        return connection
    return connect


@CELL
def test_duckdb_starts_writes_reads_and_renews(attached, keycloak, two, capture, namespace):
    golden, here = capture("duckdb"), f"lake.{namespace}"
    with golden.step("the catalog is attached"):
        lake = attached(at=golden)
    with golden.step("a schema and a table"):
        lake.execute(f"CREATE SCHEMA {here}")
        lake.execute(f"CREATE TABLE {here}.t (id BIGINT)")
    with golden.step("a write"):
        lake.execute(f"INSERT INTO {here}.t VALUES (1), (2)")
    with golden.step("a read"):
        assert lake.execute(f"SELECT id FROM {here}.t ORDER BY id").fetchall() == [(1,), (2,)]
    with short_lives(keycloak, "duckdb", seconds=5):
        renewing = attached(at=golden)
        time.sleep(6)
        with golden.step("a read with a token that has ended"):
            assert renewing.execute(f"SELECT count(*) FROM {here}.t").fetchall() == [(2,)]
        time.sleep(6)
        renewing.execute(f"INSERT INTO {here}.t VALUES (3)")
    assert lake.execute(f"SELECT count(*) FROM {here}.t").fetchall() == [(3,)]
    golden.expect()
    made = [entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]]
    assert len(made) >= 4
    assert set(made) == {"service-account-duckdb"}


@CELL
def test_a_scope_of_ones_own_choice(attached):
    """Its own is `PRINCIPAL_ROLE:ALL`; what the gate does not know is refused."""
    assert attached(more=", OAUTH2_SCOPE 'catalog'").execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(duckdb.Error, match="invalid_scope"):
        attached(more=", OAUTH2_SCOPE 'everything'")


@pytest.mark.parametrize("options", [{"secret": "wrong"}, {"engine": "trino-lab"}])
def test_a_wrong_secret_and_an_unlisted_engine_are_refused(options, attached):
    with pytest.raises(duckdb.Error, match="invalid_client"):
        attached(**options)
