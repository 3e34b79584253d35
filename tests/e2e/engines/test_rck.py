"""Iceberg's own REST compatibility kit: it passes through the gate as it passes without it, test by test."""

import pytest
from programs import with_programs

from stack import rck
from stack.fixture_catalog import FixtureCatalog

CELL = pytest.mark.cell(engine="REST compatibility kit 1.11", idp="Keycloak", catalog="REST fixture")
# The REST fixture, by itself, in November 2026: what it lacks is aborted, and one test the kit itself leaves out.
COUNTS = {"passed": 144, "failed": 0, "aborted": 12, "disabled": 1}
# Whoever the gate lets in may do everything: the kit makes and drops what it likes.
CATALOG = {"kind": "iceberg", "base_path": "", "namespace_separator": "%2E"}


@pytest.fixture(scope="module")
def without_gate(tmp_path_factory):
    """The kit's run against a fixture by itself. Each run has a fixture of its own: the kit leaves things behind."""
    with FixtureCatalog(tmp_path_factory.mktemp("alone")) as catalog:
        yield rck.run(tmp_path_factory.mktemp("kit-alone"), {"uri": catalog.url, **credential(catalog.url, "anybody", "any")})


@pytest.fixture
def it(watched, keycloak, tmp_path):
    """The gate in front of one. No tenants: the kit names a warehouse of its own."""
    change = with_programs({"catalogs": {"lake": CATALOG}}, keycloak, tenants=(), services={"java": {"may": ["all"]}})
    with FixtureCatalog(tmp_path / "catalog") as catalog, \
            watched(catalog=catalog.port, change=change, base_path="") as started:
        yield started


def credential(uri, name, secret):
    """A client with a credential, by Iceberg's names."""
    return {"rest.auth.type": "oauth2", "credential": f"{name}:{secret}", "oauth2-server-uri": f"{uri}/v1/oauth/tokens",
            "scope": "catalog"}


def test_without_the_gate(without_gate):
    assert without_gate.counts == COUNTS


@CELL
def test_through_the_gate_as_a_program(it, keycloak, without_gate, tmp_path):
    through = rck.run(tmp_path / "kit", {"uri": it.url, **credential(it.url, *keycloak.credential("java"))})
    assert through.reasons == {}
    assert through == without_gate


@CELL
def test_through_the_gate_as_a_person(it, keycloak, without_gate, tmp_path):
    keycloak.admin.set_client_lifespan("engine-cli", 900)
    try:
        token = keycloak.user_token("alice")
    finally:
        keycloak.admin.set_client_lifespan("engine-cli", None)
    through = rck.run(tmp_path / "kit", {"uri": it.url, "rest.auth.type": "oauth2", "token": token})
    assert through.reasons == {}
    assert through == without_gate
