"""Iceberg's own Java client with a credential of its own, and with sessions of persons within, as Trino has them."""

import pytest
from clients import refused_once, told
from engine_gate import JWT, unsigned
from lives import every_second, short_lives
from programs import with_programs
from tenants import fixture_configuration

from stack.java_client import IN_MEMORY, LOCAL, JavaClient, JavaError
from stack.keycloak import ACCESS_TOKEN

CELL = pytest.mark.cell(engine="Iceberg Java 1.11", idp="Keycloak", catalog="Nessie")
FORBIDDEN = "org.apache.iceberg.exceptions.ForbiddenException"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The program; each test opens catalogs in it."""
    with JavaClient(tmp_path_factory.mktemp("java")) as started:
        yield started


@pytest.fixture
def open_as(client, lake_gate, keycloak):
    """Opens acme's warehouse with an engine's credential."""
    def open_it(engine="java", **more):
        return client.open(lake_gate.url, None, IN_MEMORY, {
            "credential": ":".join(keycloak.credential(engine)), "oauth2-server-uri": lake_gate.token_url,
            "warehouse": "acme", **more})
    return open_it


@CELL
def test_bootstrap_write_read_and_renewal_with_a_credential(open_as, lake_gate, keycloak, capture, two, namespace):
    golden, t = capture("iceberg-java"), f"{namespace}.t"
    with short_lives(keycloak, "java", seconds=5):
        with golden.step("the catalog is opened"):
            catalog = open_as()
        with golden.step("a namespace and a table"):
            catalog.create_namespace(namespace)
            catalog.create_table(t)
        with golden.step("a write"):
            catalog.append(t)
        with golden.step("a read, and its renewals over several lives of its token"):
            assert every_second(20, lambda: catalog.load_table(t)) >= 10
    assert catalog.load_table(t)["records"] == "3"
    golden.expect()
    made = [entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]]
    assert len(made) >= 3
    assert set(made) == {"service-account-java"}
    assert {line.status for line in two.nessie.access_log() if namespace in line.path} <= {200, 404}


def test_a_token_that_ended_while_nobody_looked_is_got_anew(open_as, keycloak, lake_gate, client):
    """The client sleeps over its token's end, as it does on a laptop, and renews it by its secret (HTTP Basic)."""
    with short_lives(keycloak, "java", seconds=5):
        catalog = open_as(**{"token-refresh-enabled": "false"})
        every_second(7, lambda: None)
        with pytest.raises(JavaError, match="expired"):
            catalog.list_namespaces()


@CELL
def test_a_session_of_a_person(open_as, keycloak, two, capture, namespace):
    golden, catalog = capture("iceberg-java-sessions"), open_as()
    carol = keycloak.user_token("carol")
    with golden.step("a session with `token`"):
        assert catalog.session({"token": carol}).list_tables("raw") == ["raw.t"]
    with golden.step("a session with `urn:ietf:params:oauth:token-type:access_token`"):
        exchanged = catalog.session({ACCESS_TOKEN: carol})
        assert exchanged.list_tables("raw") == ["raw.t"]
    with golden.step("a session with another engine's `credential`"):
        assert catalog.session({"credential": ":".join(keycloak.credential("spark"))}).list_tables("raw") == ["raw.t"]
    with golden.step("a session of nobody: the catalog's own"):
        assert catalog.session({}).list_tables("raw") == ["raw.t"]
    golden.expect()
    alice = catalog.session({ACCESS_TOKEN: keycloak.user_token("alice")})
    alice.create_namespace(namespace)
    assert {entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]} == {"alice"}


def test_a_person_in_a_session_has_their_own_grants(open_as, keycloak, lake_gate):
    carol = open_as().session({ACCESS_TOKEN: keycloak.user_token("carol")})
    problem = refused_once(lake_gate.gate, "grant_missing", JavaError, lambda: carol.create_table("raw.fresh"))
    assert (problem.type, told(problem.message)) == (
        FORBIDDEN, "Forbidden: carol (tenant acme) may not create lake/acme|acme.raw.fresh: no grant (ref ...)")


@CELL
def test_a_persons_session_is_renewed_as_that_person(open_as, keycloak, two, lake_gate, namespace):
    """Over several lives of its token, in the background, and never as the engine."""
    catalog = open_as()
    with short_lives(keycloak, seconds=5):
        alice = catalog.session({ACCESS_TOKEN: keycloak.user_token("alice")})
        alice.create_namespace(namespace)
        lake_gate.recorder.clear()
        asked = len(two.nessie.access_log())
        assert every_second(20, lambda: alice.list_tables(namespace)) >= 10
        assert len(lake_gate.token_requests()) >= 3
    assert {line.user for line in two.nessie.access_log()[asked:] if namespace in line.path} == {"alice"}


def test_no_session_is_renewed_from_a_person_into_the_engine(open_as, keycloak, lake_gate, two):
    """A person's own token that has ended: the client tries with the engine's secret, and is refused."""
    catalog = open_as()
    expired = keycloak.user_token("alice", client="engine-short")
    every_second(6, lambda: None)
    asked = len(two.nessie.access_log())
    with pytest.raises(JavaError) as caught:
        catalog.session({"token": expired}).list_tables("raw")
    assert "expired" in str(caught.value)
    assert two.nessie.access_log()[asked:] == []


def test_an_engine_that_speaks_for_nobody_is_not_believed(open_as, lake_gate, keycloak):
    word = unsigned({"sub": "alice", "iss": "476", "user": "alice"})
    with pytest.raises(JavaError) as caught:
        open_as().session({JWT: word}).list_tables("raw")
    assert "Malformed request: invalid_grant" in str(caught.value) or "Not authorized" in str(caught.value)


# -- on the fixture, where it writes files ------------------------------------------------------------------------------


@pytest.mark.cell(engine="Iceberg Java 1.11", idp="Keycloak", catalog="REST fixture")
def test_bootstrap_write_and_read_on_the_fixture(client, watched, fixture_catalog, keycloak, namespace):
    change = fixture_configuration()
    change["tenants"]["acme"]["locations"] = "catalog_decides"
    with watched(catalog=fixture_catalog.port, change=with_programs(change, keycloak, tenants=("acme",)), base_path="") as it:
        catalog = client.open(it.url, None, LOCAL, {
            "credential": ":".join(keycloak.credential("java")), "oauth2-server-uri": it.token_url, "warehouse": "acme"})
        catalog.create_namespace(namespace)
        catalog.create_table(f"{namespace}.t")
        assert catalog.append(f"{namespace}.t")["records"] == "3"
        alice = catalog.session({ACCESS_TOKEN: keycloak.user_token("alice")})
        assert alice.append(f"{namespace}.t")["records"] == "6"
