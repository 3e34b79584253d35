"""Many requests and one exchange: who waits, who is served, with whose token, and what Keycloak saw of it."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gate import IdpProxy, until

from stack.keycloak import claims
from stack.standin import Reply

CONFIG = "/iceberg/v1/config"


@pytest.fixture(scope="module")
def idp(keycloak):
    """Keycloak, through a stand-in that can hold its answers back."""
    with IdpProxy(keycloak) as started:
        yield started


@pytest.fixture(scope="module")
def cold(gates, idp, recorder):
    """A gate in front of the recorder, for users whom it does not know yet."""
    with gates(catalog=recorder.port, idp=idp.port) as started:
        yield started


@pytest.fixture
def held(idp):
    """Exchanges wait until `held.set()`."""
    let_go = threading.Event()

    def hold(seen):
        let_go.wait(20)
        return idp.pass_on(seen)

    idp.clear()
    idp.on(idp.token_path, hold)
    yield let_go
    let_go.set()
    idp.on(idp.token_path, idp.pass_on)


def person_of(seen):
    """Whom the catalog takes for the caller."""
    return claims(seen.header("authorization").removeprefix("Bearer "))["preferred_username"]


def test_fifty_requests_of_two_users_cost_one_exchange_per_user_and_worker(cold, idp, keycloak, recorded):
    tokens = {"alice": keycloak.user_token("alice"), "bob": keycloak.user_token("bob")}
    keycloak.admin.clear_events()
    idp.clear()
    # By turns to the two workers: alice goes to both, bob to the second one only.
    connections = cold.connections(each=25)
    work = [(connection, "bob" if worker == 1 and turn % 2 else "alice")
            for turn, connection in enumerate(connections[::2] + connections[1::2])
            for worker in [turn // 25]]

    def ask(pair):
        connection, person = pair
        return connection.ask("GET", f"/iceberg/v1/config?warehouse={person}", token=tokens[person]).status
    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, work)) == [200] * 50
    for connection in connections:
        connection.close()

    assert len(recorded.requests()) == 50
    for seen in recorded.requests():
        assert person_of(seen) == seen.target.partition("warehouse=")[2]
    assert (keycloak.admin.exchange_count("alice"), keycloak.admin.exchange_count("bob")) == (2, 1)
    assert len(idp.exchanges()) == 3


def test_the_leader_hangs_up_and_its_followers_are_served(cold, idp, keycloak, held, recorded):
    token = keycloak.user_token("alice")
    keycloak.admin.clear_events()
    connections = cold.connections(each=4)[::2]
    leader, *followers = connections
    misses = cold.count_so_far("icegate_cache.event.miss")
    leader.send("GET", CONFIG, token=token)
    idp.wait_for(idp.token_path, 1)
    for follower in followers:
        follower.send("GET", CONFIG, token=token)
    cold.wait_for_count("icegate_cache.event.miss", misses + 4)
    leader.close()
    cold.wait_for_access(path=CONFIG, details="downstream_remote_disconnect")
    held.set()

    assert [follower.read().status for follower in followers] == [200, 200, 200]
    assert len(recorded.requests()) == 3
    assert len(idp.exchanges()) == keycloak.admin.exchange_count("alice") == 1


def test_everybody_hangs_up_and_the_exchange_still_fills_the_cache(cold, idp, keycloak, held, recorded):
    token = keycloak.user_token("bob")
    first, second, third, _ = cold.connections(each=2)
    for connection in (first, third):
        connection.send("GET", CONFIG, token=token)
    idp.wait_for(idp.token_path, 1)
    first.close()
    third.close()
    minted = cold.count_so_far("icegate_exchanges.issuer.corp.outcome.minted")
    held.set()
    until(lambda: cold.count("icegate_exchanges.issuer.corp.outcome.minted") == minted + 1)
    fresh = cold.connections(each=1)
    for connection in fresh:
        connection.ask("GET", CONFIG, token=token).expect(200)
    assert len(idp.exchanges()) == 2  # the worker of `first` had it; the other one asked for its own
    for connection in (*fresh, second):
        connection.close()


def test_a_request_waits_for_the_identity_provider_and_not_longer_than_it_may(gates, idp, keycloak, held, recorder):
    bounds = {"request_deadline": "2s", "exchange_timeout": "1s"}
    with gates(catalog=recorder.port, idp=idp.port, change={"limits": bounds}) as gate:
        token = keycloak.user_token("alice")
        began = time.monotonic()
        answer = gate.ask("GET", CONFIG, token=token)
        assert 0.9 < time.monotonic() - began < 3
        gate.expect_refusal(answer, 503, "idp_timeout")


def test_five_megabytes_that_arrive_before_the_exchange_reach_the_catalog_byte_for_byte(cold, idp, keycloak, held, recorded):
    body = os.urandom(5 * 1024 * 1024)
    path = "/iceberg/v1/main%7Cwarehouse/namespaces/ns/tables/t"
    token = keycloak.user_token("alice")
    with cold.connect() as connection:
        threading.Timer(0.7, held.set).start()
        answer = connection.ask("POST", path, token=token, body=body, headers=[("Content-Type", "application/json")])
    assert answer.status == 200
    (seen,) = recorded.requests()
    assert seen.body == body
    assert person_of(seen) == "alice"
    assert recorded.requests()[0].at > idp.exchanges()[0].at + 0.5


def test_a_chunked_commit_waits_just_as_well(cold, keycloak, held, recorded):
    token = keycloak.user_token("bob")
    chunks = [os.urandom(70_000) for _ in range(20)]
    with cold.connect() as connection:
        head = ("POST /iceberg/v1/transactions/commit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                f"Authorization: Bearer {token}\r\n\r\n").replace("/v1/", "/v1/main%7Cwarehouse/")
        connection.socket.sendall(head.encode())
        threading.Timer(0.5, held.set).start()
        for chunk in chunks:
            connection.socket.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        connection.socket.sendall(b"0\r\n\r\n")
        assert connection.read().status == 200
    (seen,) = recorded.requests()
    assert seen.body == b"".join(chunks)


# -- a catalog that does not know the person -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strange_nessie(lake, tmp_path_factory):
    """A Nessie that takes tokens for somebody else only: it answers 401 to whatever the gate sends."""
    with type(lake.nessie)(lake.keycloak, lake.moto, tmp_path_factory.mktemp("strange"), audience="other") as started:
        yield started


def test_a_hundred_refusals_of_the_catalog_cost_a_bounded_number_of_exchanges(gates, keycloak, strange_nessie):
    token = keycloak.user_token("alice")
    keycloak.admin.clear_events()
    with gates(catalog=strange_nessie.port) as gate, gate.connect() as connection:
        for _ in range(100):
            answer = connection.ask("GET", CONFIG, token=token)
            assert (answer.status, answer.headers["www-authenticate"], answer.body) == (401, "Bearer", b"")
        gate.wait_for_count("icegate_catalog_unauthorized.catalog.lake", 100)
        gate.wait_for_count("icegate_requests.catalog.lake.verdict.forwarded", 100)
        # The first 401 drops the token; the one that was minted anew is kept for the next 30 s.
        assert keycloak.admin.exchange_count("alice") == 2
        (line,) = gate.log_lines("does not accept")
        assert "catalog 'lake' does not accept 'alice'" in line


def test_after_one_401_a_new_token_is_minted(cold, keycloak, recorded):
    token = keycloak.user_token("alice")
    recorded.on("/iceberg/v1/config", Reply(401, headers={"WWW-Authenticate": "Bearer"}), Reply.json({}))
    with cold.connect() as connection:
        answers = [connection.ask("GET", CONFIG, token=token).status for _ in range(3)]
    recorded.on("/iceberg/v1/config", Reply.json({}))
    assert answers == [401, 200, 200]
    first, second, third = (seen.header("authorization") for seen in recorded.requests())
    assert first != second == third
