"""Bytes that no client of Iceberg sends: they are refused, and the worker goes on."""

import pytest
from gate import COMMIT, NAMESPACES

CONFIG = "/iceberg/v1/config"


@pytest.fixture
def both_workers_live(gate, keycloak):
    """After the test each worker serves alice, and no VM had to be made anew."""
    token = keycloak.user_token("alice")
    before = gate.envoy.stats("wasm.*created")
    assert sum(before.values()) > 0
    yield
    for connection in gate.connections():
        with connection:
            connection.ask("GET", CONFIG, token=token).expect(200)
    assert gate.envoy.stats("wasm.*created") == before
    assert "panicked" not in gate.envoy.log_text()


@pytest.mark.parametrize(("headers", "status", "name"), [
    ([(b"Authorization", b"Bearer \xff")], 400, "token_malformed"),
    ([(b"Authorization", b"\xff\xfe")], 400, "token_malformed"),
    ([(b"Authorization", b"Bearer a.b.c\xc3")], 400, "token_malformed"),
    ([(b"Authorization", "Bearer ä".encode())], 400, "token_malformed"),
    ([(b"Authorization", b"Bearer a.\x80.c"), (b"Authorization", b"\xff")], 400, "token_malformed"),
])
def test_a_token_that_is_no_text(gate, both_workers_live, headers, status, name):
    for connection in gate.connections():
        with connection:
            gate.expect_refusal(connection.ask("GET", CONFIG, headers=headers), status, name)


@pytest.mark.parametrize("name", [
    b"X-Request-Id", b"X-Forwarded-For", b"Cookie", b"User-Agent", b"X-Iceberg-Access-Delegation", b"Idempotency-Key",
    b"Accept", b"traceparent", b"If-None-Match",
])
def test_another_header_that_is_no_text(gate, keycloak, recorded, both_workers_live, name):
    token = keycloak.user_token("alice")
    for connection in gate.connections():
        with connection:
            connection.ask("GET", "/recorded/v1/config", token=token, headers=[(name, b"a\xff\x80b")]).expect(200)


@pytest.mark.parametrize("target", [b"/iceberg/v1/\xff", b"/iceberg/v1/main%7Cwarehouse/namespaces/\xc3\xa4"])
def test_a_path_that_is_not_ascii(gate, keycloak, both_workers_live, target):
    answer = gate.ask("GET", target, token=keycloak.user_token("alice"))
    assert answer.status == 400


def test_a_method_that_nobody_knows(gate, keycloak, both_workers_live):
    answer = gate.ask("BREW", NAMESPACES, token=keycloak.user_token("alice"))
    assert answer.status in (400, 404)


def test_a_request_without_a_host_a_connect_and_an_asterisk(gate, both_workers_live):
    for head in (
        b"GET /iceberg/v1/config HTTP/1.0\r\n\r\n", b"CONNECT catalog:443 HTTP/1.1\r\nHost: catalog:443\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://catalog/iceberg/v1/config HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with gate.connect() as connection:
            connection.socket.sendall(head)
            said = connection.socket.recv(4096)
            assert said.startswith(b"HTTP/1.") and said.split(b" ")[1] in (b"400", b"401", b"403", b"404", b"426"), head


def test_an_absolute_target_is_judged_by_its_path(gate, keycloak, recorded):
    token = keycloak.user_token("alice")
    gate.ask("GET", "http://elsewhere.test/recorded/v1/config", token=token).expect(200)
    (seen,) = recorded.requests()
    assert seen.target == "/recorded/v1/config"


def test_a_hundred_clients_that_hang_up_in_the_middle(gate, keycloak, both_workers_live):
    token = keycloak.user_token("bob")
    for size in range(100):
        with gate.connect() as connection:
            if size % 2:
                connection.send("GET", CONFIG, token=token)
            else:
                whole = f"POST {COMMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n".encode()
                connection.socket.sendall(whole[:size * 2])
