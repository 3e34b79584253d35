"""The real parts, started once for all end-to-end tests, and what the tests share."""

import os
import re
from pathlib import Path

import pytest
from canaries import Canaries
from cells import Cells
from gate import Gate
from tenants import PERSON, fill

from stack.envoy import Envoy, wasm_module
from stack.fixture_catalog import FixtureCatalog
from stack.lake import CLIENT_VARIABLES, Lake
from stack.standin import Reply, Standin
from stack.tenants import TenantLake, prefix
from stack.trino import Trino

# Before any test module loads pyarrow.
os.environ.update(CLIENT_VARIABLES)


def pytest_addoption(parser):
    """Where to write which engines worked with what: the README's table is made from it."""
    parser.addoption("--cells", type=Path, metavar="FILE", help="write the cells of the table of engines, see cells.py")


def pytest_configure(config):
    """Watches the cells when somebody wants them."""
    if config.getoption("--cells") is not None:
        config.pluginmanager.register(Cells(config.getoption("--cells").resolve()))


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    """Keycloak, moto and Nessie, side by side."""
    with Lake(tmp_path_factory.mktemp("lake")) as started:
        yield started


@pytest.fixture(scope="session")
def keycloak(lake):
    """The identity provider."""
    return lake.keycloak


@pytest.fixture(scope="session")
def nessie(lake):
    """The catalog that checks tokens and writes down who changed what."""
    return lake.nessie


@pytest.fixture(scope="session")
def fixture_catalog(tmp_path_factory):
    """Iceberg's REST fixture: a catalog that checks nothing."""
    with FixtureCatalog(tmp_path_factory.mktemp("fixture")) as started:
        yield started


@pytest.fixture(scope="session")
def tenant_lake(tmp_path_factory, keycloak):
    """A Nessie of its own for the tenants acme and globex, with storage of its own; nothing is in it yet."""
    with TenantLake(keycloak, tmp_path_factory.mktemp("tenants")) as started:
        yield started


@pytest.fixture(scope="session")
def two(tenant_lake, keycloak):
    """The same with a table `raw.t` for each tenant, and `pii.people` and `mart.sales` for acme."""
    for tenant, person in PERSON.items():
        token = keycloak.exchanged_token(keycloak.user_token(person))
        more = [(("mart",), "sales"), (("pii",), "people")] if tenant == "acme" else []
        fill(f"{tenant_lake.nessie.catalog_url}/v1/{prefix(tenant)}", token, [(("raw",), "t"), *more], tenant)
    return tenant_lake


@pytest.fixture(scope="session")
def trino(tmp_path_factory):
    """One Trino for all who need one; each test opens catalogs of its own in it."""
    with Trino(tmp_path_factory.mktemp("trino")) as started:
        yield started


@pytest.fixture(scope="module")
def left_as_it_was(two):
    """What a module changes in acme's branch is taken back at its end."""
    head = two.nessie.head("acme")
    yield
    two.nessie.move_branch("acme", head)


@pytest.fixture
def standin():
    """A server that has the faults that a test tells it to have."""
    with Standin() as started:
        yield started


@pytest.fixture(scope="session")
def wasm():
    """The filter, built."""
    return wasm_module()


@pytest.fixture
def start_envoy(tmp_path):
    """Starts Envoys for one test: `start_envoy(config, wasm=..., variables=...)`, as `stack.envoy.Envoy` takes them."""
    started = []

    def start(config, **options):
        envoy = Envoy(config, tmp_path / f"envoy-{len(started)}", **options)
        started.append(envoy)
        envoy.start()
        return envoy.wait_ready()

    yield start
    for envoy in started:
        envoy.close()


@pytest.fixture(scope="session", autouse=True)
def canaries():
    """Every token and secret of the session; `test_canaries.py` looks for them at the end."""
    with pytest.MonkeyPatch.context() as patch:
        planted = Canaries()
        planted.watch(patch)
        yield planted


@pytest.fixture(scope="session")
def gates(tmp_path_factory, keycloak, canaries):
    """Makes gates that live as long as the test that uses them wants: `with gates(catalog=port, ...) as gate`."""
    canaries.plant_realm(keycloak.realm)

    def make(**options):
        folder = tmp_path_factory.mktemp("gate")
        canaries.folders.append(folder)
        return Gate(folder, keycloak, **options)

    return make


@pytest.fixture(scope="session")
def recorder():
    """A catalog that agrees to everything and keeps what it was sent."""
    with Standin().on("*", Reply.json({})) as started:
        yield started


@pytest.fixture(scope="session")
def gate(gates, nessie, recorder):
    """The gate in front of Nessie (`/iceberg`), and of the recorder (`/recorded`), with the default bounds."""
    recorded = {"kind": "nessie", "base_path": "/recorded", "token": {"from": "corp", "audience": "catalog"}}
    with gates(catalog=nessie.port, change={"catalogs": {"recorder": recorded}},
               clusters={"recorder": recorder.port}, routes={"/recorded": "recorder"}) as started:
        yield started


@pytest.fixture
def recorded(recorder):
    """The recorder, with nothing in its record."""
    recorder.forget()
    recorder.on("*", Reply.json({}))
    yield recorder
    recorder.forget()
    recorder.on("*", Reply.json({}))


@pytest.fixture
def namespace(request):
    """A namespace name of the test's own, so that tests share one catalog without meeting."""
    return re.sub(r"\W", "_", request.node.name).lower()


def pytest_collection_modifyitems(items):
    """The search for canaries comes last, whatever else is run."""
    items.sort(key=lambda item: "canaries" in item.path.name)
