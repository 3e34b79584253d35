"""The parts themselves, without a gate: what the gate's tests rely on is true of the real ones."""

import http.client
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pyarrow
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pyiceberg.catalog import load_catalog

from stack import cache, web
from stack.jwt import public_jwk, signed
from stack.keycloak import claims
from stack.parts import NotReady
from stack.ports import free_port
from stack.standin import CLOSE, CLOSE_AFTER_HEADERS, Hang, Reply, Standin

TOP = Path(__file__).resolve().parents[2]


# -- the identity provider -----------------------------------------------------------------------------------------------


def test_a_users_token_is_for_the_gate_and_its_exchange_for_the_catalog(keycloak):
    own = keycloak.user_token("alice")
    exchanged = keycloak.exchanged_token(own)

    assert set(claims(own)["aud"]) == {"icegate", "icegate-tokens"}
    assert claims(exchanged)["aud"] == "catalog"
    assert claims(exchanged)["sub"] == claims(own)["sub"] == keycloak.admin.user_id("alice")
    assert claims(own)["tenant"] == "acme"


def test_the_short_client_gives_tokens_of_five_seconds(keycloak):
    short = claims(keycloak.user_token("alice", client="engine-short"))
    assert short["exp"] - short["iat"] == 5


def test_a_token_for_somebody_else_is_not_exchanged(keycloak):
    answer = keycloak.exchange(keycloak.user_token("alice", scope="to-other"), audience="catalog")
    assert (answer.status, answer.json()["error"]) == (403, "access_denied")


def test_exchanges_are_counted_exactly_for_each_user(keycloak):
    alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
    keycloak.admin.clear_events()
    for token in (alice, alice, alice, bob):
        keycloak.exchanged_token(token)

    counts = [keycloak.admin.exchange_count(name) for name in ("alice", "bob", "mallory", None)]
    assert counts == [3, 1, 0, 4]


def test_a_rotated_key_is_published_beside_the_old_one(keycloak, nessie):
    before = keycloak.user_token("alice")
    fresh = keycloak.admin.rotate_key()

    published = {key["kid"] for key in web.get(keycloak.jwks_url).expect(200).json()["keys"]}
    assert fresh in published and len(published) > 1
    web.get(f"{nessie.catalog_url}/v1/config", bearer=keycloak.exchanged_token(before)).expect(200)


def assertion(key, issuer, subject, audience):
    """One that Keycloak takes, for a minute."""
    now = int(time.time())
    return signed(key, "gate-1", {"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + 60,
                                  "jti": str(uuid.uuid4())})


def test_an_assertion_of_a_trusted_issuer_becomes_a_token_of_the_named_user(keycloak):
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = "https://gate.example.test"
    keycloak.admin.trust_assertions(issuer, {"keys": [public_jwk(key, "gate-1")]}, {"alice": "alice@gate"})

    answer = keycloak.assert_user(assertion(key, issuer, "alice@gate", keycloak.issuer), "icegate").expect(200)

    assert claims(answer.json()["access_token"])["preferred_username"] == "alice"


@pytest.mark.parametrize("engine", ["trino", "trino-lab", "spark", "pyiceberg", "duckdb", "java"])
def test_an_engines_own_token_names_its_service_account_and_is_for_the_gate(keycloak, engine):
    told = claims(keycloak.client_token(engine))
    assert (told["sub"], told["azp"]) == (keycloak.realm.service_account(engine), engine)
    assert told["preferred_username"] == f"service-account-{engine}"
    assert set(told["aud"]) == {"icegate", "icegate-tokens"}


def test_a_person_who_logged_in_through_an_engine_has_a_token_with_its_name(keycloak):
    told = claims(keycloak.user_token("carol", scope="", client="trino"))
    assert (told["azp"], told["preferred_username"]) == ("trino", "carol")
    assert (told["sub"], set(told["aud"])) == (keycloak.admin.user_id("carol"), {"icegate", "icegate-tokens"})


def test_the_second_client_turns_gate_tokens_and_assertions_into_gate_tokens(keycloak, standin):
    """Its tokens are for the gate and for no catalog, and the keys of assertions come from the gate itself."""
    answers = []
    for key in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())):
        standin.on("/icegate/jwks.json", Reply.json({"keys": [public_jwk(key, "gate-1")]}))
        keycloak.admin.set_keys_url(f"{standin.url}/icegate/jwks.json")
        answers.append(keycloak.assert_user(assertion(key, "https://gate.test", "alice", keycloak.issuer)))
    for token in (keycloak.user_token("alice"), keycloak.client_token("trino")):
        answers.append(keycloak.exchange(token, "icegate-tokens"))

    told = [claims(answer.expect(200).json()["access_token"]) for answer in answers]
    assert [each["preferred_username"] for each in told] == ["alice"] * 3 + ["service-account-trino"]
    for each in told:
        assert set(each["aud"]) == {"icegate", "icegate-tokens"}
        assert (each["azp"], each["exp"] - each["iat"]) == ("icegate-tokens", 600)
    # What it gave can be renewed by it, also where no session is behind it.
    for answer in answers:
        keycloak.exchange(answer.json()["access_token"], "icegate-tokens").expect(200)
    # An assertion's subject is a link's name and nothing else: no id, no service account.
    for subject in (keycloak.admin.user_id("alice"), "service-account-trino", keycloak.realm.service_account("trino")):
        refused = keycloak.assert_user(assertion(key, "https://gate.test", subject, keycloak.issuer))
        assert (refused.status, refused.json()["error_description"]) == (400, "User not found")


# -- the catalog ---------------------------------------------------------------------------------------------------------


def test_the_catalog_refuses_the_users_own_token(keycloak, nessie):
    answer = web.get(f"{nessie.catalog_url}/v1/config", bearer=keycloak.user_token("alice"))
    assert (answer.status, answer.body) == (401, b"")


def test_the_catalog_says_no_to_whom_it_does_not_know(keycloak, nessie):
    token = keycloak.exchanged_token(keycloak.user_token("mallory"))
    answer = web.get(f"{nessie.catalog_url}/v1/main%7Cwarehouse/namespaces", bearer=token)
    assert answer.json()["error"]["type"] == "AccessCheckException"


def test_pyiceberg_writes_and_reads_as_alice_and_the_history_names_her(lake, keycloak, nessie, namespace):
    token = keycloak.exchanged_token(keycloak.user_token("alice"))
    catalog = load_catalog("lake", token=token, **lake.client_properties())
    rows = pyarrow.table({"id": [1, 2, 3], "name": ["a", "b", "c"]})

    catalog.create_namespace(namespace)
    table = catalog.create_table(f"{namespace}.t", schema=rows.schema)
    table.append(rows)

    assert catalog.load_table(f"{namespace}.t").scan().to_arrow().to_pydict() == rows.to_pydict()
    commits = [commit for commit in nessie.history() if namespace in commit["message"]]
    assert len(commits) >= 3
    assert {commit["committer"] for commit in commits} == {"alice"}
    assert {line.user for line in nessie.access_log() if namespace in line.path} == {"alice"}


def test_the_fixture_answers_its_configuration(fixture_catalog):
    config = web.get(f"{fixture_catalog.catalog_url}/v1/config").expect(200).json()
    assert config["overrides"]["namespace-separator"] == "%2E"


def test_the_fixture_keeps_its_tables_across_a_restart(fixture_catalog, namespace):
    catalog = load_catalog("fixture", type="rest", uri=fixture_catalog.catalog_url)
    catalog.create_namespace(namespace)
    fixture_catalog.restart()
    assert (namespace,) in catalog.list_namespaces()


# -- the lives of parts --------------------------------------------------------------------------------------------------


def test_keycloak_comes_back_at_its_address_with_its_sessions(keycloak):
    token, address = keycloak.user_token("alice"), keycloak.url
    keycloak.restart()
    assert keycloak.url == address
    keycloak.exchanged_token(token)


def test_a_paused_part_takes_connections_and_answers_nothing(keycloak):
    keycloak.pause()
    try:
        assert web.status(keycloak.jwks_url, timeout=0.5) == 0
    finally:
        keycloak.resume()
    assert web.status(keycloak.jwks_url, timeout=20) == 200


def test_a_part_that_does_not_come_up_shows_the_end_of_its_log(start_envoy):
    with pytest.raises(NotReady, match="(?s)ended with code 1 .*'no_such_field'"):
        start_envoy("no_such_field: 1")


def test_no_part_outlives_a_program_that_was_killed(tmp_path):
    program = (
        "import pathlib, sys, time; from stack.moto import Moto\n"
        "moto = Moto(pathlib.Path(sys.argv[1])); moto.start(); print(moto.process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    starter = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True)
    part = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()

    deadline = time.monotonic() + 10
    while _lives(part) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _lives(part)


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- Envoy and the stand-in ----------------------------------------------------------------------------------------------


def envoy_in_front_of(upstream_port, listener_port):
    """The smallest proxy: no filter but the router."""
    address = "{{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}"
    return f"""
static_resources:
  listeners:
  - name: plain
    address: {{socket_address: {{address: 127.0.0.1, port_value: {listener_port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: plain
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: /}}, route: {{cluster: upstream, timeout: 1s}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: upstream
    load_assignment:
      cluster_name: upstream
      endpoints: [{{lb_endpoints: [{{endpoint: {address.format(upstream_port)}}}]}}]
"""


def test_envoy_proxies_counts_and_drains(start_envoy, standin):
    port = free_port()
    standin.on("/v1/config", Reply.json({"defaults": {}}))
    envoy = start_envoy(envoy_in_front_of(standin.port, port))

    answer = web.get(f"http://127.0.0.1:{port}/v1/config", bearer="a.b.c").expect(200)

    assert answer.json() == {"defaults": {}}
    assert standin.requests("/v1/config")[0].header("authorization") == "Bearer a.b.c"
    assert envoy.wait_for_stat("cluster.upstream.upstream_rq_200", 1) == 1
    assert "envoy_cluster_upstream_rq" in envoy.prometheus()
    assert envoy.live_listeners()["plain"] == f"127.0.0.1:{port}"
    assert envoy.config_dump()["configs"]
    assert envoy.rss_bytes() > 10_000_000
    envoy.drain()


def test_the_standin_has_each_fault_that_it_is_told_to_have(start_envoy, standin):
    port = free_port()
    standin.on("/", Reply(503, headers={"Retry-After": "7"}), CLOSE, CLOSE_AFTER_HEADERS, Hang(), Reply(delay=0.2))
    start_envoy(envoy_in_front_of(standin.port, port))

    def ask():
        return web.get(f"http://127.0.0.1:{port}/")

    said = ask()
    assert (said.status, said.headers["Retry-After"]) == (503, "7")
    assert b"upstream connect error" in ask().body
    with pytest.raises((http.client.HTTPException, ConnectionError)):  # Envoy cuts the answer that it had begun
        ask()
    assert ask().status == 504
    assert ask().status == 200
    assert len(standin.requests("/")) == 5


def test_a_stopped_standin_refuses_and_comes_back_at_its_address():
    with Standin().on("*", Reply(204)) as standin:
        assert web.status(standin.url) == 204
        standin.stop()
        assert web.status(standin.url) == 0
        standin.start()
        assert web.status(standin.url) == 204


def test_the_cache_lies_outside_of_the_tree():
    assert TOP not in cache.root().parents
