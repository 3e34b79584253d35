"""What the tests of the engines share, on top of what all end-to-end tests do."""

from pathlib import Path

import pytest
from captures import Capture
from engine_gate import edit, variables
from programs import with_programs
from tenants import fixture_configuration, nessie_configuration
from watching import Watched

from stack.java_client import JavaClient
from stack.recorder import Recorder
from stack.spark import Spark
from stack.tenants import TenantLake

HERE = Path(__file__).parent

# Iceberg 1.12 signs at a path that this Nessie does not have; clients here have keys of their own.
UNSIGNED = {"nessie.catalog.service.s3.default-options.request-signing-enabled": "false"}


def pytest_collection_modifyitems(items):
    """All of this folder, and nothing else, is what `make test-engines` adds."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engines)


@pytest.fixture(scope="session")
def tenant_lake(tmp_path_factory, keycloak):
    """As elsewhere, without signed requests."""
    with TenantLake(keycloak, tmp_path_factory.mktemp("tenants"), properties=UNSIGNED) as started:
        yield started


@pytest.fixture(scope="session")
def watched(gates, keycloak, canaries):
    """Makes gates that engines log in at: `with watched(catalog=port, change=...) as it`."""
    known = variables(keycloak, canaries)

    def make(*, base_path="/iceberg", **options):
        return Watched(gates(variables=known, edit=edit, **options), keycloak, base_path)
    return make


@pytest.fixture(scope="session")
def lake_gate(watched, two, keycloak):
    """The gate with both tenants and the engines, in front of Nessie. It remembers no login: tests change tokens' lives."""
    change = with_programs(nessie_configuration(), keycloak, issuers={"corp": {"gate_tokens": {"remember": "0s"}}})
    with watched(catalog=two.nessie.port, change=change) as started:
        yield started


@pytest.fixture(scope="session")
def fixture_gate(watched, fixture_catalog, keycloak):
    """The same in front of Iceberg's REST fixture, which knows one tenant, and whose tables lie in a local folder."""
    change = fixture_configuration()
    change["tenants"]["acme"]["locations"] = "catalog_decides"
    change = with_programs(change, keycloak, tenants=("acme",))
    with watched(catalog=fixture_catalog.port, change=change, base_path="") as started:
        yield started


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    """Iceberg's Java client; each test opens catalogs in it."""
    with JavaClient(tmp_path_factory.mktemp("java")) as started:
        yield started


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """One session of Spark; each test opens catalogs of its own in it."""
    with Spark(tmp_path_factory.mktemp("spark")) as started:
        yield started


@pytest.fixture
def capture(lake_gate):
    """`capture(engine)`: what the engine sends to the gate by the address that this has, see `captures.py`."""
    recorders = []

    def begin(engine):
        recorders.append(Recorder(f"http://127.0.0.1:{lake_gate.gate.port}").start())
        return Capture(engine, recorders[-1])
    yield begin
    for recorder in recorders:
        recorder.stop()
