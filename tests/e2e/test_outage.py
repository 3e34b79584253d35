"""Keycloak's own life: it goes away and comes back, hangs, changes its keys, throws people out. And the gate beside it."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from gate import COMMIT, Connection

CONFIG = "/iceberg/v1/config"
BOUNDS = {"request_deadline": "2s", "exchange_timeout": "1s", "key_refresh": "10s"}


@pytest.fixture(scope="module")
def hasty(gates, recorder):
    """A gate that waits for two seconds at most, and looks for new keys every ten."""
    with gates(catalog=recorder.port, change={"limits": BOUNDS, "catalogs": {"lake": {"token": {"life": "1m"}}}}) as started:
        yield started


@pytest.fixture
def workers(hasty, keycloak):
    """A connection to each worker, both of which can exchange at the moment."""
    connections = hasty.connections()
    token = keycloak.user_token("bob")
    for connection in connections:
        served_again(connection, token)
    yield connections
    for connection in connections:
        connection.close()


def served_again(connection, token, within=20):
    """The caller is served after a while; until then the gate asks for patience and nothing else."""
    deadline = time.monotonic() + within
    while (answer := connection.ask("GET", CONFIG, token=token)).status != 200:
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1, answer.text()
        assert time.monotonic() < deadline, answer.text()
        time.sleep(0.1)


def commit(gate, token):
    """A write of a caller, on a connection of its own."""
    return gate.ask("POST", COMMIT, token=token, body=b"{}")


def kid(token):
    """The key that a token was signed with."""
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


# -- keys ----------------------------------------------------------------------------------------------------------------


def test_a_new_key_is_usable_at_once_and_a_disabled_one_ends_with_the_next_refresh(gates, keycloak, recorder):
    # The default deadline: an unknown key may have to wait for the five seconds between two fetches.
    with gates(catalog=recorder.port, change={"limits": {"key_refresh": "10s"}}) as gate:
        workers = gate.connections()
        old = keycloak.user_token("alice")
        fresh = keycloak.admin.rotate_key()
        new = keycloak.user_token("alice")
        assert kid(new) == fresh != kid(old)
        for worker in workers:  # not a single refusal on the way
            worker.ask("GET", CONFIG, token=new).expect(200)
            worker.ask("GET", CONFIG, token=old).expect(200)

        def refused_at_last(worker):
            deadline = time.monotonic() + 15
            while (answer := worker.ask("GET", CONFIG, token=old)).status == 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            return answer

        keycloak.admin.disable_key(kid(old))
        try:
            with ThreadPoolExecutor() as pool:
                for answer in pool.map(refused_at_last, workers):
                    gate.expect_refusal(answer, 401, "key_unknown")
            for worker in workers:
                worker.ask("GET", CONFIG, token=new).expect(200)
        finally:
            keycloak.admin.enable_key(kid(old))


# -- people --------------------------------------------------------------------------------------------------------------


@contextmanager
def logged_out(keycloak, name):
    """The user's sessions end."""
    keycloak.admin.log_out(name)
    yield


@contextmanager
def disabled(keycloak, name):
    """The user's account is switched off for a while."""
    keycloak.admin.set_user_enabled(name, False)
    try:
        yield
    finally:
        keycloak.admin.set_user_enabled(name, True)


@pytest.mark.parametrize("thrown_out", [logged_out, disabled])
def test_whoever_is_thrown_out_is_refused_when_the_cached_token_ends(gates, keycloak, recorder, thrown_out):
    with gates(catalog=recorder.port, change={"catalogs": {"lake": {"token": {"life": "1s"}}}}) as gate, gate.connect() as worker:
        token = keycloak.user_token("bob")
        worker.ask("GET", CONFIG, token=token).expect(200)
        with thrown_out(keycloak, "bob"):
            time.sleep(1.1)
            answer = worker.ask("GET", CONFIG, token=token)
            assert gate.expect_refusal(answer, 401, "subject_refused") == (
                "identity provider 'corp' does not accept bob's token any more (signed out, disabled, or revoked): sign in again")
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            refusals = len(keycloak.admin.exchanges(failed=True))
            assert worker.ask("GET", CONFIG, token=token).status == 401
            assert len(keycloak.admin.exchanges(failed=True)) == refusals  # a no is remembered for a moment
        worker.ask("GET", CONFIG, token=keycloak.user_token("bob")).expect(200)


# -- the identity provider itself ----------------------------------------------------------------------------------------


def test_a_frozen_identity_provider_holds_nobody_up_for_long(hasty, workers, keycloak):
    cached, uncached = keycloak.user_token("alice"), keycloak.user_token("alice")
    for worker in workers:
        worker.ask("GET", CONFIG, token=cached).expect(200)
    keycloak.pause()
    try:
        began = time.monotonic()
        hasty.expect_refusal(workers[0].ask("GET", CONFIG, token=uncached), 503, "idp_timeout")
        refused = commit(hasty, uncached)
        assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
        assert time.monotonic() - began < 5
        for worker in workers:
            worker.ask("GET", CONFIG, token=cached).expect(200)
    finally:
        keycloak.resume()
    for worker in workers:
        served_again(worker, uncached)


def test_it_goes_away_and_comes_back(hasty, gates, workers, keycloak, recorder):
    cached, uncached = keycloak.user_token("alice"), keycloak.user_token("bob")
    for worker in workers:
        worker.ask("GET", CONFIG, token=cached).expect(200)
    keycloak.stop()

    hasty.expect_refusal(workers[0].ask("GET", CONFIG, token=uncached), 503, "idp_unreachable")
    for _ in range(5):
        for worker in workers:
            worker.ask("GET", CONFIG, token=cached).expect(200)
        refused = commit(hasty, uncached)
        assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == 429

    # Gates that start now know no key: one asks for patience, the other one's caller waits.
    with (gates(catalog=recorder.port, change={"limits": BOUNDS}) as late,
          gates(catalog=recorder.port, change={"limits": {"request_deadline": "1m"}}) as patient):
        hasty_answer = late.ask("GET", CONFIG, token=uncached)
        late.expect_refusal(hasty_answer, 503, "keys_unavailable")
        late.expect_refusal(commit(late, uncached), 429, "keys_unavailable")
        waiting = Connection(patient)
        waiting.socket.settimeout(60)
        waiting.send("GET", CONFIG, token=uncached)
        answers = []
        reader = threading.Thread(target=lambda: answers.append(waiting.read().status))
        reader.start()

        keycloak.start()
        keycloak.wait_ready()

        for gate in (hasty, late):
            for worker in gate.connections():
                served_again(worker, uncached)
        reader.join(30)
        assert answers == [200]
        late.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)
