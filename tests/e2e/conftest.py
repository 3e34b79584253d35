"""The real parts, started once for all end-to-end tests, and what the tests share."""

import os
import re

import pytest

from stack.envoy import Envoy, wasm_module
from stack.fixture_catalog import FixtureCatalog
from stack.lake import CLIENT_VARIABLES, Lake
from stack.standin import Standin

# Before any test module loads pyarrow.
os.environ.update(CLIENT_VARIABLES)


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


@pytest.fixture
def namespace(request):
    """A namespace name of the test's own, so that tests share one catalog without meeting."""
    return re.sub(r"\W", "_", request.node.name).lower()
