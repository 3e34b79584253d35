"""What the filter costs at rest: the module's size, the time to load it, memory by cached tokens, host calls.

    python3 -m stack.python -m bench.figures

The identity provider is a stand-in with a real key, since Keycloak makes 10,000 sessions too slowly; the
catalog is Envoy's own direct response. Times and memory are of this machine: read the differences.
"""

import http.client
import json
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from stack import jwt
from stack.envoy import Envoy, wasm_module
from stack.ports import free_port
from stack.standin import Reply, Seen, Standin

EXAMPLE = Path(__file__).resolve().parents[1] / "envoy" / "smallest.yaml"
PATH = "/iceberg/v1/main%7Cwarehouse/namespaces"
LOADS = 5
CLIENTS = 4


class Issuer:
    """An identity provider that exchanges whatever it signed itself."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.server = Standin().start()
        self.url = f"{self.server.url}/realms/lake"
        self.server.on("/realms/lake/.well-known/openid-configuration", Reply.json({
            "issuer": self.url, "jwks_uri": f"{self.url}/certs", "token_endpoint": f"{self.url}/token"}))
        self.server.on("/realms/lake/certs", Reply.json({"keys": [jwt.public_jwk(self.key, "k1")]}))
        self.server.on("/realms/lake/token", self._exchange)

    def token(self, person: int, **claims: Any) -> str:
        """A person's token for the gate, about as long as Keycloak's."""
        return self._signed(person, "icegate", "engine-cli", **claims)

    def _signed(self, person: int, audience: str, party: str, **claims: Any) -> str:
        now = int(time.time())
        return jwt.signed(self.key, "k1", {
            "iss": self.url, "sub": f"5e0bd2cf-0000-4000-8000-{person:012}", "aud": audience, "azp": party,
            "iat": now, "exp": now + 3600, "typ": "Bearer", "preferred_username": f"person-{person}",
            "jti": f"onrtro:{person:036}", "sid": f"{person:024}", "scope": "openid to-icegate who",
            "tenant": "acme", **claims})

    def _exchange(self, seen: Seen) -> Reply:
        subject = parse_qs(seen.body.decode())["subject_token"][0]
        claims = json.loads(_unpadded(subject.split(".")[1]))
        minted = self._signed(int(claims["sub"][-12:]), "catalog", "icegate")
        return Reply.json({"access_token": minted, "expires_in": 3600, "token_type": "Bearer"})


def _unpadded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def configuration(issuer: Issuer | None, port: int) -> str:
    """The smallest example with a direct response as catalog; without an issuer, without the filter."""
    bootstrap = yaml.safe_load(EXAMPLE.read_text())
    listener = bootstrap["static_resources"]["listeners"][0]
    listener["address"]["socket_address"]["port_value"] = port
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["route_config"]["virtual_hosts"][0]["routes"] = [
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}]
    if issuer is None:
        del manager["http_filters"][0]
    else:
        value = manager["http_filters"][0]["typed_config"]["config"]["configuration"]["value"]
        value["issuers"]["corp"]["issuer"] = issuer.url
        value["limits"] = {"cached_callers": 20000}
    for cluster in bootstrap["static_resources"]["clusters"]:
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"]["socket_address"]["port_value"] = issuer.server.port if issuer else port
    return yaml.safe_dump(bootstrap)


def envoy(issuer: Issuer | None, port: int) -> Envoy:
    """One worker, so that every request meets the same cache."""
    return Envoy(configuration(issuer, port), wasm=wasm_module() if issuer else None, concurrency=1,
                 variables={"ICEGATE_SECRET": "s"}, log_level="warning")


def load_seconds(issuer: Issuer | None) -> float:
    """From the start of the process to its own word that it is ready."""
    one = envoy(issuer, free_port())
    begun = time.monotonic()
    one.start()
    one.wait_ready()
    seconds = time.monotonic() - begun
    one.close()
    return seconds


def send(port: int, tokens: list[str], path: str = PATH) -> None:
    """One request for each token, over a few connections."""
    def work(mine: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for token in mine:
            connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SystemExit(f"the gate answered {answer.status}: {body.decode()}")

    threads = [threading.Thread(target=work, args=(tokens[start::CLIENTS],)) for start in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def host_calls(one: Envoy, request: Callable[[], None]) -> dict[str, int]:
    """Host calls of the stream that `request` makes, by name, as Envoy's own trace tells them."""
    one.set_log_level("trace", "wasm")
    before = len(one.log_text())
    request()
    time.sleep(0.3)
    trace = one.log_text()[before:]
    one.set_log_level("warning", "wasm")
    calls: dict[str, int] = {}
    inside: dict[str, str] = {}
    for line in trace.splitlines():
        thread = line.split("][")[1] if "][" in line else ""
        if entered := re.search(r"\[host->vm\] (proxy_on_\w+)", line):
            # The host allocates in the middle of its own calls.
            if entered[1] != "proxy_on_memory_allocate":
                inside[thread] = entered[1]
        elif called := re.search(r"\[vm->host\] [\w.]+?\.(\w+)\(", line):
            if inside.get(thread) != "proxy_on_tick":
                calls[called[1]] = calls.get(called[1], 0) + 1
    return calls


def main() -> None:
    """Measures and prints."""
    issuer = Issuer()
    print(f"module: {wasm_module().stat().st_size:,} bytes")
    pairs = [(load_seconds(issuer), load_seconds(None)) for _ in range(LOADS)]
    with_filter, without = (statistics.median(side) for side in zip(*pairs))
    extra = statistics.median(a - b for a, b in pairs)
    print(f"Envoy ready (median of {LOADS} pairs): {with_filter:.2f} s with the filter, {without:.2f} s without, "
          f"{extra:.2f} s more")

    plain = envoy(None, free_port())
    plain.start()
    plain.wait_ready()
    print(f"RSS without the filter: {plain.rss_bytes() / 1e6:.1f} MB")
    plain.close()

    port = free_port()
    one = envoy(issuer, port)
    one.start()
    one.wait_ready()
    time.sleep(1)
    print(f"RSS with 0 cached tokens: {one.rss_bytes() / 1e6:.1f} MB")
    tokens = [issuer.token(person) for person in range(10_000)]
    done = 0
    for goal in (1_000, 10_000):
        begun = time.monotonic()
        send(port, tokens[done:goal])
        per_second = (goal - done) / (time.monotonic() - begun)
        done = goal
        time.sleep(0.5)
        cached = one.stat("wasmcustom.icegate_cache_entries")
        counted = one.stat("wasmcustom.icegate_cache_bytes")
        print(f"RSS with {cached:,} cached tokens: {one.rss_bytes() / 1e6:.1f} MB "
              f"({counted / 1e6:.1f} MB by the gate's own count; {per_second:.0f} exchanges/s on the way)")
    calls = host_calls(one, lambda: send(port, tokens[:1]))
    print(f"host calls of a cached request: {sum(calls.values())}: {json.dumps(calls, sort_keys=True)}")
    one.close()
    issuer.server.stop()


if __name__ == "__main__":
    sys.exit(main())
