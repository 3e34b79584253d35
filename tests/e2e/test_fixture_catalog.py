"""Iceberg's own REST server behind the gate: routes and spellings that Nessie does not have."""

import json

import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

SCHEMA = Schema(NestedField(1, "id", LongType()))
JSON = [("Content-Type", "application/json")]


@pytest.fixture(scope="module")
def rest_gate(gates, fixture_catalog):
    """A gate in front of the REST fixture, which lies at the root and splits namespaces at a dot."""
    catalog = {"kind": "iceberg", "base_path": "", "namespace_separator": "%2E"}
    with gates(catalog=fixture_catalog.port, change={"catalogs": {"lake": catalog}}) as started:
        yield started


@pytest.fixture
def catalog(rest_gate, keycloak):
    """PyIceberg, as alice."""
    return load_catalog("rest", type="rest", uri=f"http://127.0.0.1:{rest_gate.port}", token=keycloak.user_token("alice"))


def test_a_nested_namespace_with_the_catalogs_own_separator(catalog, namespace):
    catalog.create_namespace(namespace)
    catalog.create_namespace((namespace, "inner"))
    catalog.create_table((namespace, "inner", "t"), SCHEMA)
    assert catalog.list_tables((namespace, "inner")) == [(namespace, "inner", "t")]
    assert catalog.table_exists((namespace, "inner", "t"))
    assert not catalog.table_exists((namespace, "inner", "other"))


def test_a_commit_of_two_tables_at_once(rest_gate, keycloak, catalog, namespace):
    catalog.create_namespace(namespace)
    changes = []
    for name in ("a", "b"):
        table = catalog.create_table(f"{namespace}.{name}", SCHEMA)
        changes.append({
            "identifier": {"namespace": [namespace], "name": name},
            "requirements": [{"type": "assert-table-uuid", "uuid": str(table.metadata.table_uuid)}],
            "updates": [{"action": "set-properties", "updates": {"turn": "1"}}],
        })
    answer = rest_gate.ask("POST", "/v1/transactions/commit", token=keycloak.user_token("alice"), headers=JSON,
                           body=json.dumps({"table-changes": changes}).encode())
    assert answer.status == 204
    assert [catalog.load_table(f"{namespace}.{name}").properties["turn"] for name in ("a", "b")] == ["1", "1"]


def test_rename_register_and_drop(catalog, namespace):
    catalog.create_namespace(namespace)
    table = catalog.create_table(f"{namespace}.a", SCHEMA)
    catalog.rename_table(f"{namespace}.a", f"{namespace}.b")
    catalog.drop_table(f"{namespace}.b")
    catalog.register_table(f"{namespace}.c", table.metadata_location)
    assert catalog.list_tables(namespace) == [(namespace, "c")]


def test_an_etag_comes_back_and_a_304_goes_through(rest_gate, keycloak, catalog, namespace):
    catalog.create_namespace(namespace)
    catalog.create_table(f"{namespace}.t", SCHEMA)
    token, path = keycloak.user_token("alice"), f"/v1/namespaces/{namespace}/tables/t"
    with rest_gate.connect() as connection:
        first = connection.ask("GET", path, token=token).expect(200)
        again = connection.ask("GET", path, token=token, headers=[("If-None-Match", first.headers["etag"])])
        assert (again.status, again.body) == (304, b"")
        connection.ask("GET", path, token=token).expect(200)


@pytest.mark.parametrize("path", ["/V1/config", "/v1/NAMESPACES", "/v1/namespaces/", "/v1//config"])
def test_spellings_that_this_server_would_take_are_refused(rest_gate, keycloak, fixture_catalog, path):
    assert rest_gate.ask("GET", path, token=keycloak.user_token("alice")).status in (400, 404)
