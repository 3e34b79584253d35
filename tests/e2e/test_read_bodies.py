"""Bodies that rules depend on: they are read before anything goes to the catalog, and arrive there byte for byte."""

import gzip
import json
import re
import time
from contextlib import suppress
from dataclasses import replace

import http2
import pytest
from bootstrap import listener
from gate import IdpProxy, until
from tenants import address, commit, nessie_configuration, set_property

from stack.keycloak import claims
from stack.tenants import location, prefix

JSON = ("Content-Type", "application/json")
TABLE = address(f"/iceberg/v1/{prefix('acme')}", ("raw",), "t")
GOOD = json.dumps(commit(set_property("comment", "caf\u00e9"))).encode()
BAD = json.dumps(commit(set_property("write.data.path", location("globex")))).encode()
CHUNK = 65536


def large(size):
    """A commit of about so many bytes, which nobody would write again in the same way."""
    updates = b'[ {"action":"set-properties", "updates":{"a\\u0062": "%s"}} ]' % (b"x" * size)
    return b'{\n\t"updates" :%s,\r\n "requirements":[]}  ' % updates


def chunked(body, token, host="gate.test", size=CHUNK):
    """A commit whose length is not told before."""
    head = (f"POST {TABLE} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n")
    pieces = [body[start:start + size] for start in range(0, len(body), size)]
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


@pytest.fixture(scope="module")
def slow_idp(keycloak):
    """Keycloak, whose exchanges take half a second."""
    with IdpProxy(keycloak) as started:
        started.on(started.token_path, lambda seen: replace(started.pass_on(seen), delay=0.5))
        yield started


@pytest.fixture(scope="module")
def open_gate(gates, recorder, slow_idp):
    """Starts a gate with two tenants before the recorder; its Envoy may keep 64 KB."""
    def edit(bootstrap):
        listener(bootstrap)["per_connection_buffer_limit_bytes"] = 65536

    def start(**limits):
        change = {**nessie_configuration(), "limits": limits}
        return gates(catalog=recorder.port, idp=slow_idp.port, change=change, edit=edit)
    return start


@pytest.fixture(scope="module")
def reading(open_gate):
    """A gate that reads up to 6 MB."""
    with open_gate(request_body=6_000_000) as started:
        yield started


@pytest.fixture
def post(reading, keycloak):
    """Sends a commit of alice's."""
    def send(body, *headers):
        return reading.ask("POST", TABLE, token=keycloak.user_token("alice"), headers=headers or [JSON], body=body)
    return send


def expect_only(recorded, body):
    """The catalog got one request, with this body and a minted token."""
    (seen,) = recorded.requests()
    assert seen.body == body
    assert claims(seen.header("authorization").removeprefix("Bearer "))["aud"] == "catalog"


# -- how they arrive -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 60_000, 5_000_000])
def test_a_body_of_known_length_arrives_as_it_was(post, recorded, size):
    body = large(size)
    post(body).expect(200)
    expect_only(recorded, body)


@pytest.mark.parametrize(("size", "chunk"), [(200, 1), (60_000, 700), (5_000_000, CHUNK)])
def test_a_body_in_chunks_arrives_as_it_was(reading, keycloak, recorded, size, chunk):
    body = large(size)
    with reading.connect() as connection:
        token = keycloak.user_token("alice")
        for _ in range(2):  # waiting for the exchange, and with a cached token
            recorded.clear()
            connection.socket.sendall(chunked(body, token, size=chunk))
            connection.read().expect(200)
            expect_only(recorded, body)


def test_whatever_comes_first_body_or_token_nothing_goes_before_both(reading, keycloak, recorded):
    with reading.connect() as connection:
        # The body is there, the exchange takes its time.
        connection.send("POST", TABLE, token=keycloak.user_token("alice"), headers=[JSON], body=GOOD)
        time.sleep(0.2)
        assert recorded.requests() == []
        connection.read().expect(200)
        expect_only(recorded, GOOD)
        # The exchange ends while the body is on its way.
        recorded.clear()
        request = chunked(GOOD, keycloak.user_token("alice"))
        connection.socket.sendall(request[:-30])
        time.sleep(1)
        assert recorded.requests() == []
        connection.socket.sendall(request[-30:])
        connection.read().expect(200)
        expect_only(recorded, GOOD)


def test_a_client_that_waits_to_be_told_to_go_on(reading, keycloak, recorded):
    """Envoy says so itself, before any rule is asked."""
    for body, status in ((GOOD, 200), (BAD, 403)):
        recorded.clear()
        with reading.connect() as connection:
            head = (f"POST {TABLE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keycloak.user_token('alice')}\r\n"
                    f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n")
            connection.socket.sendall(head.encode())
            assert connection.socket.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.socket.sendall(body)
            connection.read().expect(status)
        assert [seen.body for seen in recorded.requests()] == [GOOD] * (status == 200)


# -- what is refused -----------------------------------------------------------------------------------------------------


def test_a_rule_that_a_body_breaks_is_told_and_nothing_goes_up(reading, keycloak, recorded):
    with reading.connect() as connection:
        connection.socket.sendall(chunked(BAD, keycloak.user_token("alice"), size=3))
        sentence = reading.expect_refusal(connection.read(), 403, "location_outside")
    assert sentence == ("alice (tenant acme) may not point to s3://globex-lake/wh: it is not within the tenant's locations "
                        "(updates[0].updates.write.data.path)")
    assert recorded.requests() == []


def test_what_could_be_read_in_two_ways_is_refused(post, reading, recorded):
    packed, wide = gzip.compress(BAD), BAD.decode().encode("utf-16")
    for body, *headers in (
        (packed, JSON, ("Content-Encoding", "gzip")), (packed, JSON, ("content-encoding", "identity, GZIP")),
        (wide, ("Content-Type", "application/json; charset=utf-16")),
        (wide, ("Content-Type", 'application/json;CHARSET="UTF-16LE"')),
    ):
        reading.expect_refusal(post(body, *headers), 400, "body_encoded")
    for body in (wide, BAD.decode().encode("utf-16-le"), b"\xef\xbb\xbf" + BAD, packed, b"", b"[]", GOOD + b"{}", GOOD[:-1],
                 b'{"updates":[],"updates":[]}', b'{"updates":[],"\\u0075pdates":[]}'):
        reading.expect_refusal(post(body), 400, "body_unreadable")
    for name in ("utf-8", "UTF-8", '"utf-8"'):
        post(GOOD, ("Content-Type", f"application/json; charset={name}")).expect(200)
    assert [seen.body for seen in recorded.requests()] == [GOOD] * 3


def test_a_body_that_is_too_long(open_gate, keycloak, recorded):
    with open_gate(request_body=4096) as gate:
        token, frame = keycloak.user_token("alice"), len(large(0))
        gate.ask("POST", TABLE, token=token, headers=[JSON], body=large(4096 - frame)).expect(200)
        for body in (large(4097 - frame), large(60_000)):
            answer = gate.ask("POST", TABLE, token=token, headers=[JSON], body=body)
            sentence = gate.expect_refusal(answer, 400, "body_too_large")
            assert sentence.endswith("which is longer than 4096 bytes (limits.request_body)")
            with gate.connect() as connection:
                connection.socket.sendall(chunked(body, token, size=1000))
                gate.expect_refusal(connection.read(), 400, "body_too_large")
        # Where nothing depends on it, it may be of any length.
        report = f"{TABLE}/metrics"
        gate.ask("POST", report, token=token, headers=[JSON], body=large(200_000)).expect(200)
        gate.expect_counted()
    assert [len(seen.body) for seen in recorded.requests()] == [4096, frame + 200_000]


def test_a_body_that_ends_with_trailers(reading, keycloak, recorded):
    def ask(path, body, token):
        fields = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "gate.test"),
                  ("authorization", f"Bearer {token}"), ("content-type", "application/json")]
        return http2.ask(reading.port, fields, body, [("x-checksum", "1")])

    token = keycloak.user_token("alice")
    for body in (GOOD, large(100_000)):
        error = json.loads(ask(TABLE, body, token))["error"]
        assert (error["code"], error["type"]) == (400, "BadRequestException")
        assert "which ends with trailers: send none" in error["message"]
    assert recorded.requests() == []
    assert json.loads(ask(f"{TABLE}/metrics", GOOD, token)) == {}
    expect_only(recorded, GOOD)


# -- clients that go away ------------------------------------------------------------------------------------------------


def test_a_client_that_hangs_up_leaves_nothing_behind(open_gate, keycloak, recorded):
    """There is room for one request that waits: somebody new is served only when nobody does."""
    with open_gate(waiters=1) as gate:
        token = keycloak.user_token("alice")
        for cut in (len(GOOD) + 10, 1):  # nothing of the body, and all but its end
            slow, other, same_worker, _ = gate.connections(each=2)
            other.close()
            slow.socket.sendall(chunked(GOOD, token)[:-cut])

            def status():
                return same_worker.ask("GET", TABLE, token=keycloak.user_token("mallory")).status
            until(lambda: status() == 503)
            assert [status() for _ in range(3)] == [503] * 3
            slow.close()
            until(lambda: status() == 200)
    assert {seen.method for seen in recorded.requests()} == {"GET"}


# -- several on one connection -------------------------------------------------------------------------------------------


def test_requests_that_do_not_wait_for_each_others_answers(reading, keycloak, recorded):
    """All in one write: each is decided by its own body. (Envoy itself hangs up on whoever does not read three answers.)"""
    token = keycloak.user_token("alice")
    reading.ask("GET", TABLE, token=token).expect(200)
    for pair, statuses in (((GOOD, BAD), [200, 403]), ((BAD, GOOD), [403, 200]), ((GOOD, GOOD), [200, 200])):
        recorded.clear()
        with reading.connect() as connection:
            connection.socket.sendall(b"".join(chunked(body, token) for body in pair))
            said = b""
            while said.count(b"HTTP/1.1 ") < 2:
                said += connection.socket.recv(CHUNK)
        assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3})", said)] == statuses
        assert [seen.body for seen in recorded.requests()] == [body for body in pair if body != BAD]


def test_a_no_in_the_middle_of_a_body(reading, keycloak, recorded):
    """The other tenant's prefix is refused at once; what still comes of the body is nobody's, and goes nowhere."""
    target = TABLE.replace(prefix("acme"), prefix("globex"))
    token = keycloak.user_token("alice")
    reading.ask("GET", TABLE, token=token).expect(200)
    recorded.clear()
    whole = chunked(large(1_000_000), token).replace(TABLE.encode(), target.encode())
    with reading.connect() as connection:
        connection.socket.sendall(whole[:200_000])
        reading.expect_refusal(connection.read(), 403, "outside_border")
        with suppress(OSError):
            connection.socket.sendall(whole[200_000:] + chunked(GOOD, token))
            time.sleep(0.3)
    with suppress(AssertionError):
        until(lambda: recorded.requests(), 0.5)
    assert [seen.body for seen in recorded.requests()] in ([], [GOOD])
