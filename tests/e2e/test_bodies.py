"""Bodies of requests that wait for their exchange: they wait outside of the gate, and arrive as they were sent."""

import os
from dataclasses import replace

import pytest
from bootstrap import gate_filter, listener
from gate import COMMIT, IdpProxy

BODY = os.urandom(5_000_000)
CHUNK = 65536


@pytest.fixture(scope="module")
def slow_idp(keycloak):
    """Keycloak, whose exchanges end long after the client began to send."""
    with IdpProxy(keycloak) as started:
        started.on(started.token_path, lambda seen: replace(started.pass_on(seen), delay=0.4))
        yield started


@pytest.fixture(params=[False, True], ids=["without the flag", "with the flag"])
def small_envoy(request, gates, recorded, slow_idp):
    """An Envoy that may keep 64 KB, without and with the flag that lets a body come while its headers wait."""
    def edit(bootstrap):
        listener(bootstrap)["per_connection_buffer_limit_bytes"] = 65536
        gate_filter(bootstrap)["typed_config"]["config"]["allow_on_headers_stop_iteration"] = request.param
    with gates(catalog=recorded.port, idp=slow_idp.port, edit=edit) as started:
        yield started


def test_a_large_body_waits_for_the_exchange(small_envoy, keycloak, recorded):
    token = keycloak.user_token("alice")
    small_envoy.ask("POST", COMMIT, token=token, body=BODY).expect(200)
    (seen,) = recorded.requests()
    assert seen.body == BODY
    assert seen.header("authorization") != f"Bearer {token}"


def test_a_large_body_in_chunks_waits_for_the_exchange(small_envoy, keycloak, recorded):
    token = keycloak.user_token("bob")
    head = f"POST {COMMIT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [BODY[start:start + CHUNK] for start in range(0, len(BODY), CHUNK)]
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""]]
    with small_envoy.connect() as connection:
        connection.socket.sendall(head.encode() + b"".join(chunks))
        connection.read().expect(200)
    (seen,) = recorded.requests()
    assert seen.body == BODY
    assert seen.header("authorization") != f"Bearer {token}"
