"""Crowds: more requests than one callback may release, and requests that nobody has a valid token for."""

import base64
import json
import threading
import time
from collections import Counter

import pytest
from bootstrap import virtual_hosts
from gate import COMMIT, NAMESPACES, IdpProxy
from stack.ports import free_port

# Envoy carries out what a callback asked for one inside the other; about 300 overflow the VM's stack.
CROWD = 1600


def direct(bootstrap: dict) -> None:
    """Envoy itself is the catalog: what is tested is how many requests go on at once, not a catalog."""
    virtual_hosts(bootstrap)[0]["routes"] = [
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}]


def send_all(gate, method: str, target: str, token: str, body: bytes = b"") -> list:
    connections = [gate.connect() for _ in range(CROWD)]
    for connection in connections:
        connection.send(method, target, token=token, body=body)
    return connections


def statuses(connections: list, seconds: float) -> Counter:
    end, seen = time.monotonic() + seconds, Counter()
    for connection in connections:
        connection.socket.settimeout(max(0.05, end - time.monotonic()))
        try:
            seen[connection.read().status] += 1
        except OSError as fault:
            seen[type(fault).__name__] += 1
        connection.close()
    return seen


def expect_alive(gate) -> None:
    """No VM died: a VM that fails says so, and is counted when it is made anew."""
    log = gate.envoy.log_text()
    assert "failed:" not in log and "RangeError" not in log, log[-2000:]
    assert not gate.envoy.stats("vm_reload_success").get("wasm.icegate.vm_reload_success", 0)


@pytest.mark.parametrize(("method", "target", "body"), [("GET", NAMESPACES, b""), ("POST", COMMIT, b"x" * 2000)])
def test_a_crowd_that_waited_for_one_exchange_is_forwarded(gates, keycloak, method, target, body):
    token = keycloak.user_token("alice")
    with IdpProxy(keycloak) as idp:
        def slow(seen):
            time.sleep(3)
            return idp.pass_on(seen)

        idp.on(idp.token_path, slow)
        with gates(catalog=1, idp=idp.port, edit=direct) as gate:
            seen = statuses(send_all(gate, method, target, token, body), 20)
            assert seen == Counter({200: CROWD})
            assert len(idp.exchanges()) <= 2, "one for each worker"
            expect_alive(gate)


def test_a_crowd_that_waited_for_keys_in_vain_is_refused(gates, keycloak):
    token = keycloak.user_token("alice")
    change = {"limits": {"request_deadline": "4s", "exchange_timeout": "1s"}}
    with gates(catalog=1, idp=free_port(), change=change, edit=direct) as gate:
        seen = statuses(send_all(gate, "GET", NAMESPACES, token), 20)
        assert seen == Counter({503: CROWD})
        expect_alive(gate)


def test_forged_tokens_that_waited_for_the_first_keys_hold_nobody_up(gates, keycloak):
    """A signature costs a millisecond and more in the VM: those who waited are verified in turns, not in one go."""
    token = keycloak.user_token("alice")
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def forged(number: int) -> str:
        other = json.dumps({**claims, "jti": f"forged-{number}"}).encode()
        return f"{header}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}.{signature}"

    go = threading.Event()
    with IdpProxy(keycloak) as idp:
        def held(seen):
            go.wait(8)
            return idp.pass_on(seen)

        idp.on(idp.jwks_path, held)
        with gates(catalog=1, idp=idp.port, edit=direct) as gate:
            crowd = [gate.connect() for _ in range(500)]
            for number, connection in enumerate(crowd):
                connection.send("GET", NAMESPACES, token=forged(number))
            gate.envoy.stats()
            go.set()
            seen = statuses(crowd, 20)
            assert seen == Counter({401: 500})
            gate.ask("GET", NAMESPACES, token=token).expect(200)
            expect_alive(gate)
