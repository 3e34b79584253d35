"""Iceberg's own Java client with a credential of its own, and with sessions of persons within, as Trino has them."""

import time

import pytest
from clients import refused_once, told
from engine_gate import JWT, unsigned
from lives import every_second, short_lives

from stack.java_client import IN_MEMORY, JavaError
from stack.keycloak import ACCESS_TOKEN

CELL = pytest.mark.cell(engine="Iceberg Java 1.11", idp="Keycloak", catalog="Nessie")
FORBIDDEN = "org.apache.iceberg.exceptions.ForbiddenException"


@pytest.fixture
def open_as(client, lake_gate, keycloak):
    """Opens acme's warehouse with an engine's credential."""
    def open_it(engine="java", at=lake_gate, **more):
        return client.open(at.url, None, IN_MEMORY, {
            "credential": ":".join(keycloak.credential(engine)), "oauth2-server-uri": at.token_url,
            "warehouse": "acme", **more})
    return open_it


@CELL
def test_java_starts_writes_reads_and_renews(open_as, keycloak, capture, two, namespace):
    golden, t = capture("iceberg-java"), f"{namespace}.t"
    with golden.step("the catalog is opened"):
        catalog = open_as(at=golden)
    with golden.step("a namespace and a table"):
        catalog.create_namespace(namespace)
        catalog.create_table(t)
    with golden.step("a write"):
        catalog.append(t)
    with golden.step("a read"):
        assert catalog.load_table(t)["records"] == "3"
    with short_lives(keycloak, "java", seconds=10):
        with golden.step("renewals over several lives of its token", only_tokens=True):
            renewing = open_as(at=golden)
            assert every_second(24, lambda: renewing.load_table(t)) >= 10
        renewing.append(t)
    golden.expect()
    made = [entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]]
    assert len(made) >= 4
    assert set(made) == {"service-account-java"}
    assert {line.status for line in two.nessie.access_log() if namespace in line.path} <= {200, 404}


@CELL
def test_a_client_that_slept_over_its_tokens_end_renews_it_by_its_secret(open_as, keycloak, client, capture):
    """As it does on a laptop: it knows that the token has ended, and proves itself by HTTP Basic."""
    golden = capture("iceberg-java-ended")
    with short_lives(keycloak, "java", seconds=10):
        catalog = open_as(at=golden)
        with client.asleep():
            time.sleep(13)
        with golden.step("it wakes up", only_tokens=True):
            time.sleep(3)
            assert "raw" in catalog.list_namespaces()
    golden.expect()


def test_a_client_that_may_not_renew_ends_with_its_token(open_as, keycloak):
    with short_lives(keycloak, "java", seconds=5):
        catalog = open_as(**{"token-refresh-enabled": "false"})
        time.sleep(7)
        with pytest.raises(JavaError, match="Not authorized: the token of service-account-java expired"):
            catalog.list_namespaces()


@CELL
def test_a_session_of_a_person(open_as, keycloak, two, capture, namespace):
    golden = capture("iceberg-java-sessions")
    catalog = open_as(at=golden)
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
    with short_lives(keycloak, seconds=10):
        alice = catalog.session({ACCESS_TOKEN: keycloak.user_token("alice")})
        alice.create_namespace(namespace)
        lake_gate.recorder.clear()
        asked = len(two.nessie.access_log())
        assert every_second(30, lambda: alice.list_tables(namespace)) >= 10
        assert len(lake_gate.token_requests()) >= 3
    assert {line.user for line in two.nessie.access_log()[asked:] if namespace in line.path} == {"alice"}


def test_no_session_is_renewed_from_a_person_into_the_engine(open_as, keycloak, lake_gate, two):
    """A person's own token that has ended: the client tries with the engine's secret, and is refused."""
    catalog = open_as()
    expired = keycloak.user_token("alice", client="engine-short")
    time.sleep(6)
    asked = len(two.nessie.access_log())
    with pytest.raises(JavaError) as caught:
        catalog.session({"token": expired}).list_tables("raw")
    assert "expired" in str(caught.value)
    assert two.nessie.access_log()[asked:] == []


def test_an_engine_that_speaks_for_nobody_is_not_believed(open_as, lake_gate, keycloak):
    word = unsigned({"sub": "alice", "iss": "476", "user": "alice"})
    with pytest.raises(JavaError) as caught:
        open_as().session({JWT: word}).list_tables("raw")
    assert caught.value.message.startswith("Malformed request: unauthorized_client: program java may not speak for others")
