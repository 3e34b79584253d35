"""Prefixes that only the catalog knows: the gate asks `/v1/config` for them, once, with the caller's minted token."""

from dataclasses import replace

import pytest
from gate import Proxy, until
from tenants import address, fill

from stack.keycloak import claims
from stack.standin import Hang, Reply, Standin

CONFIG = "/iceberg/v1/config"
ASKED = "/asked/v1/config"


def tenants(catalog, **reach):
    """Tenants that reach these entries at one catalog."""
    return {tenant: {"who": {"issuer": "corp", "claim": "groups", "has": f"/t/{tenant}"}, "reach": {catalog: entries},
                     "locations": "catalog_decides"} for tenant, entries in reach.items()}


def caller(seen):
    """Whose minted token the catalog was asked with."""
    said = claims(seen.header("authorization").removeprefix("Bearer "))
    assert said["aud"] == "catalog"
    return said["preferred_username"]


# -- at a real Nessie ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxied(two, keycloak):
    """Nessie with a table `asked.t` on its own default branch, behind a stand-in that counts."""
    token = keycloak.exchanged_token(keycloak.user_token("alice"))
    fill(f"{two.nessie.catalog_url}/v1/main%7Cacme", token, [(("asked",), "t")], "acme")
    with Proxy(two.nessie.url) as started:
        yield started


@pytest.fixture
def open_gate(gates, proxied):
    """Starts a gate that knows globex' prefix and not acme's."""
    def start():
        proxied.clear()
        proxied.on(CONFIG, proxied.pass_on)
        return gates(catalog=proxied.port, change={
            "catalogs": {"lake": {"cluster": "catalog"}}, "allow_on_headers_stop_iteration": True,
            "tenants": tenants("lake", acme=[{"warehouse": "acme"}], globex=["globex|globex"])})
    return start


def test_many_wait_for_one_question_per_worker(open_gate, proxied, keycloak):
    token = keycloak.user_token("alice")
    with open_gate() as gate:
        proxied.on(CONFIG, lambda seen: replace(proxied.pass_on(seen), delay=0.5))
        connections = gate.connections(each=8)
        for connection in connections:
            connection.send("GET", address("/iceberg/v1/main%7Cacme", ("asked",), "t"), token=token)
        assert [connection.read().status for connection in connections] == [200] * 16
        questions = proxied.requests(CONFIG)
        assert [seen.target for seen in questions] == [f"{CONFIG}?warehouse=acme"] * 2
        assert [caller(seen) for seen in questions] == ["alice"] * 2

        # It is known now, to both workers and for everybody; and it is the only one.
        mallory, bob = keycloak.user_token("mallory"), keycloak.user_token("bob")
        for connection in connections[:4]:
            connection.ask("GET", "/iceberg/v1/main%7cacme/namespaces/asked", token=mallory).expect(200)
            for prefix in ("main%7Cglobex", "acme%7Cacme", "main", "globex%7Cglobex"):
                answer = connection.ask("GET", f"/iceberg/v1/{prefix}/namespaces", token=token)
                gate.expect_refusal(answer, 403, "outside_border")
            answer = connection.ask("GET", "/iceberg/v1/main%7Cacme/namespaces", token=bob)
            gate.expect_refusal(answer, 403, "outside_border")
            connection.ask("GET", "/iceberg/v1/globex%7Cglobex/namespaces", token=bob).expect(200)
        assert len(proxied.requests(CONFIG)) == 2
        for connection in connections:
            connection.close()


def test_random_prefixes_make_no_stream_of_questions(open_gate, proxied, keycloak):
    alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
    with open_gate() as gate, gate.connect() as connection:
        for number in range(40):
            # Of bob's all prefixes are known.
            for token in (bob, alice):
                connection.ask("GET", f"/iceberg/v1/random-{number}/namespaces", token=token).expect(403)
        assert len(proxied.requests(CONFIG)) == 1
        assert len(proxied.requests()) == 1


def test_what_the_catalog_refuses_to_one_it_tells_another(open_gate, proxied, keycloak):
    alice, mallory = keycloak.user_token("alice"), keycloak.user_token("mallory")
    target = "/iceberg/v1/main%7Cacme/namespaces/asked"

    def not_to_alice(seen):
        return Reply.json({"error": {}}, status=403) if caller(seen) == "alice" else proxied.pass_on(seen)

    with open_gate() as gate, gate.connect() as connection:
        proxied.on(CONFIG, not_to_alice)
        for _ in range(20):
            gate.expect_refusal(connection.ask("GET", target, token=alice), 403, "outside_border")
        assert len(proxied.requests(CONFIG)) == 1
        connection.ask("GET", target, token=mallory).expect(200)
        assert [caller(seen) for seen in proxied.requests(CONFIG)] == ["alice", "mallory"]
        # It is no secret who asked: what alice may do there is the catalog's to say.
        connection.ask("GET", target, token=alice).expect(200)


def test_a_catalog_that_fails_is_left_alone_for_a_while(open_gate, proxied, keycloak):
    token, api = keycloak.user_token("alice"), "/iceberg/v1/main%7Cacme/namespaces"
    with open_gate() as gate, gate.connect() as connection:
        proxied.on(CONFIG, Reply(500, b"{}"))
        for _ in range(5):
            sentence = gate.expect_refusal(connection.ask("GET", api, token=token), 503, "prefix_unavailable")
            assert sentence == "catalog 'lake' does not tell the prefix of its warehouse 'acme': try again"
            # Nothing was forwarded: nobody may take it for a commit of unknown state.
            gate.expect_refusal(connection.ask("POST", api, token=token), 429, "prefix_unavailable")
        assert len(proxied.requests()) == 1
        proxied.on(CONFIG, proxied.pass_on)
        until(lambda: connection.ask("GET", api, token=token).status == 200, 7)
        assert len(proxied.requests(CONFIG)) == 2


# -- at stand-ins --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked():
    """A catalog that tells prefixes as a test wants it."""
    with Standin() as started:
        yield started


@pytest.fixture
def open_at(gates, asked):
    """Starts a gate in front of it; `told`: what it answers for each warehouse."""
    def start(told, **reach):
        asked.clear()
        asked.on("*", Reply.json({}))
        asked.on(ASKED, lambda seen: told[seen.target.rpartition("=")[2]])
        catalogs = {"lake": None, "asked": {"kind": "iceberg", "base_path": "/asked", "cluster": "asked", "token": {
            "from": "corp", "audience": "catalog"}}}
        return gates(catalog=asked.port, clusters={"asked": asked.port}, routes={"/asked": "asked"}, change={
            "catalogs": catalogs, "tenants": tenants("asked", **reach), "allow_on_headers_stop_iteration": True,
            "limits": {"exchange_timeout": "700ms"}})
    return start


def config(overrides, **defaults):
    """An answer of `/v1/config`."""
    return Reply.json({"overrides": overrides, "defaults": defaults})


def test_overrides_beat_defaults_and_without_either_paths_have_none(open_at, asked, keycloak):
    alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
    told = {"a": config({"prefix": "over%20%C3%BC"}, prefix="default"), "b": config({})}
    with open_at(told, acme=["a"], globex=["b"]) as gate, gate.connect() as connection:
        connection.ask("GET", "/asked/v1/over%20%c3%bc/namespaces", token=alice).expect(200)
        gate.expect_refusal(connection.ask("GET", "/asked/v1/default/namespaces", token=alice), 403, "outside_border")
        connection.ask("GET", "/asked/v1/namespaces", token=bob).expect(200)
        gate.expect_refusal(connection.ask("GET", "/asked/v1/namespaces", token=alice), 403, "outside_border")
        assert [seen.target for seen in asked.requests(ASKED)] == [f"{ASKED}?warehouse=a", f"{ASKED}?warehouse=b"]


def test_a_prefix_of_two_warehouses_is_nobodys(open_at, asked, keycloak):
    alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
    same = config({"prefix": "p"})
    with open_at({"a": same, "b": same, "c": config({"prefix": "c"})}, acme=["a", "c"], globex=["b"]) as gate, \
            gate.connect() as connection:
        connection.ask("GET", "/asked/v1/p/namespaces", token=alice).expect(200)
        gate.expect_refusal(connection.ask("GET", "/asked/v1/else/namespaces", token=bob), 403, "outside_border")
        for token in (alice, bob):
            sentence = gate.expect_refusal(connection.ask("GET", "/asked/v1/p/namespaces", token=token), 403, "prefix_shared")
            assert sentence == ("catalog 'asked' gives the prefix 'p' to two warehouses, so it is nobody's: its operator "
                                "must write the prefixes in reach")
        connection.ask("GET", "/asked/v1/c/namespaces", token=alice).expect(200)


BROKEN = {
    "silence": Hang(), "a fault": Reply(500, b""), "no json": Reply(200, b"<html>"),
    "a prefix that no path can have": config({"prefix": "a/b"}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_warehouse_that_cannot_be_asked_for_stands_in_no_others_way(open_at, asked, keycloak, fault):
    token = keycloak.user_token("alice")
    with open_at({"a": BROKEN[fault], "b": config({"prefix": "b"}), "c": Reply(404)}, acme=["a", "b", "c"]) as gate, \
            gate.connect() as connection:
        connection.ask("GET", "/asked/v1/b/namespaces", token=token).expect(200)
        # Whether it would be that one's, nobody can say now.
        gate.expect_refusal(connection.ask("GET", "/asked/v1/a/namespaces", token=token), 503, "prefix_unavailable")
        assert [seen.target.rpartition("=")[2] for seen in asked.requests(ASKED)] == ["a", "b", "c"]
        asked.release()
