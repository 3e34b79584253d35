"""The gate as the tests use it: a real Envoy with the filter, made from `envoy/smallest.yaml`."""

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from bootstrap import (
    access_log, add_cluster, allow_variables, connection_manager, filter_configuration, listener, merged, move_cluster,
    set_filter_configuration, virtual_hosts,
)

from stack import web
from stack.envoy import Envoy, wasm_module
from stack.keycloak import Keycloak
from stack.ports import free_port
from stack.standin import Reply, Seen, Standin
from stack.web import Answer

EXAMPLES = Path(__file__).resolve().parents[2] / "envoy"

# What Iceberg clients make of a status, by the body's `type`.
TYPES = {
    400: "BadRequestException", 401: "NotAuthorizedException", 403: "ForbiddenException", 404: "NotFoundException",
    429: "TooManyRequestsException", 503: "ServiceUnavailableException",
}
REFERENCE = re.compile(r" \(ref ([A-Za-z0-9._-]+)\)$")
NAMESPACES = "/iceberg/v1/main%7Cwarehouse/namespaces"
COMMIT = f"{NAMESPACES}/ns/tables/t"

Text = str | bytes
Headers = Iterable[tuple[Text, Text]]


class Gate:
    """One Envoy with the filter in front of a catalog. Use it as a context manager.

    `change` is merged into the filter's configuration (None removes a member), `edit` gets the whole bootstrap.
    `variables`: of Envoy's environment, beside the client's secret; the filter sees all of them.
    `clusters`: further clusters by name and port; `routes`: path prefixes that go to them.
    `form`: how the filter's configuration is given to Envoy, `struct` or `string`. `example`: another file of `envoy/`;
    `tls` and `host`: how its listener is spoken to.
    """

    def __init__(
        self, folder: Path, keycloak: Keycloak, *, catalog: int, idp: int | None = None,
        change: Mapping[str, Any] | None = None, clusters: Mapping[str, int] | None = None,
        routes: Mapping[str, str] | None = None, secret: str | None = None, form: str = "struct",
        variables: Mapping[str, str] | None = None,
        edit: Callable[[dict], None] | None = None, example: str = "smallest.yaml", tls: ssl.SSLContext | None = None,
        host: str = "gate.test",
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.tls, self.host = tls, host
        folder.mkdir(parents=True, exist_ok=True)
        self.bootstrap = yaml.safe_load((EXAMPLES / example).read_text())
        self.access_log_file, self.replies_file = folder / "access.log", folder / "replies.log"
        listener(self.bootstrap)["address"]["socket_address"].update(address="127.0.0.1", port_value=self.port)
        move_cluster(self.bootstrap, "catalog", catalog)
        move_cluster(self.bootstrap, "idp", keycloak.port if idp is None else idp)
        for name, port in (clusters or {}).items():
            add_cluster(self.bootstrap, name, port)
        for prefix, cluster in (routes or {}).items():
            virtual_hosts(self.bootstrap)[0]["routes"].insert(0, {
                "match": {"prefix": prefix}, "route": {"cluster": cluster, "timeout": "60s"}})
        if "access_log" in connection_manager(self.bootstrap):  # the example's own format, in our file
            (one,) = connection_manager(self.bootstrap)["access_log"]
            one["typed_config"]["path"] = str(self.access_log_file)
        else:
            connection_manager(self.bootstrap)["access_log"] = [access_log(self.access_log_file)]
        configuration = filter_configuration(self.bootstrap)
        configuration["value"]["issuers"]["corp"]["issuer"] = keycloak.issuer
        configuration["value"] = merged(configuration["value"], change or {})
        if form == "string":
            set_filter_configuration(self.bootstrap, {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": json.dumps(configuration["value"])})
        if edit is not None:
            edit(self.bootstrap)
        secret = keycloak.credential("icegate")[1] if secret is None else secret
        allow_variables(self.bootstrap, variables or {})
        self.envoy = Envoy(yaml.safe_dump(self.bootstrap, sort_keys=False), folder / "envoy", wasm=wasm_module(),
                           concurrency=2, variables={"ICEGATE_SECRET": secret, **(variables or {})})
        self.refused: dict[str, int] = {}

    def __enter__(self) -> "Gate":
        self.envoy.start()
        self.envoy.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops it; what its admin interface showed last stays beside its logs, for the search for canaries."""
        if self.envoy.is_running():
            self.keep_admin()
        self.envoy.close()

    def keep_admin(self) -> None:
        """Writes what an operator can read at the admin interface into the folder."""
        for name in ("stats", "config_dump", "stats/prometheus", "clusters", "certs"):
            said = web.get(f"{self.envoy.url}/{name}").expect(200).body
            (self.folder / f"admin-{name.replace('/', '-')}.txt").write_bytes(said)

    @property
    def url(self) -> str:
        """The catalog's address through the gate."""
        return f"http://127.0.0.1:{self.port}/iceberg"

    # -- requests ------------------------------------------------------------------------------------------------

    def connect(self) -> "Connection":
        """A connection; whichever worker takes it serves it as long as it lives."""
        return Connection(self)

    def connections(self, each: int = 1) -> list["Connection"]:
        """`each` connections to each of the two workers, by turns."""
        per_worker: tuple[list[Connection], ...] = ([], [])
        for _ in range(64 * each):
            if all(len(ones) >= each for ones in per_worker):
                return [one for pair in zip(*per_worker, strict=True) for one in pair]
            before = self._taken()
            connection = self.connect()
            until(lambda: sum(self._taken()) > sum(before))
            worker = 0 if self._taken()[0] > before[0] else 1
            if len(per_worker[worker]) < each:
                per_worker[worker].append(connection)
            else:
                connection.close()
        raise AssertionError("one worker took every connection")

    def _taken(self) -> tuple[int, int]:
        """How many connections each worker has taken."""
        stats = self.envoy.stats(f"_{self.port}.worker_..downstream_cx_total")
        return stats[f"listener.127.0.0.1_{self.port}.worker_0.downstream_cx_total"], \
            stats[f"listener.127.0.0.1_{self.port}.worker_1.downstream_cx_total"]

    def ask(self, method: str, target: Text, **options: Any) -> Answer:
        """One request on a connection of its own, see `Connection.ask`."""
        with self.connect() as connection:
            return connection.ask(method, target, **options)

    # -- what it says about itself -------------------------------------------------------------------------------

    def count(self, name: str) -> int:
        """One of the filter's counters or gauges, by its name with labels."""
        return self.envoy.stat(f"wasmcustom.{name}")

    def count_so_far(self, name: str) -> int:
        """The same, after everything that happened before was counted: workers hand it over ten times a second."""
        time.sleep(0.25)
        return self.count(name)

    def wait_for_count(self, name: str, value: int, timeout: float = 5) -> None:
        """The counter reaches exactly this value, and does not pass it with the next flush."""
        until(lambda: self.count(name) >= value, timeout, lambda: f"{name} is {self.count(name)}, not {value}")
        assert self.count_so_far(name) == value

    def log_lines(self, text: str) -> list[str]:
        """The filter's log lines that hold a text."""
        return [line for line in self.envoy.log_text().splitlines() if "wasm log" in line and text in line]

    def wait_for_log(self, text: str, timeout: float = 5) -> str:
        """The first of the filter's log lines with a text."""
        until(lambda: self.log_lines(text), timeout, lambda: f"no line of the log has {text!r}")
        return self.log_lines(text)[0]

    def access_log(self) -> list[dict[str, Any]]:
        """Every request, as Envoy logged it."""
        if not self.access_log_file.exists():
            return []
        return [json.loads(line) for line in self.access_log_file.read_text().splitlines() if line.endswith("}")]

    def wait_for_access(self, **wanted: Any) -> dict[str, Any]:
        """The last line of the access log with these members."""
        def lines():
            return [line for line in self.access_log() if wanted.items() <= line.items()]
        until(lines, 5, lambda: f"no line of the access log has {wanted}")
        return lines()[-1]

    def expect_refusal(self, answer: Answer, status: int, name: str) -> str:
        """The gate's own answer, in all of its parts: to the client, in both logs, and for the counters.

        Gives the sentence for the person, without the reference. Counters are compared by `expect_counted`.
        """
        assert answer.status == status, answer.text()
        assert answer.headers.get_all("content-type") == ["application/json"]
        assert answer.headers.get_all("cache-control") == ["no-store"]
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "code"}
        assert (error["type"], error["code"]) == (TYPES[status], status)
        reference = REFERENCE.search(error["message"])
        assert reference, error["message"]
        expect_header(answer, "www-authenticate", status == 401)
        expect_header(answer, "retry-after", status in (429, 503))
        if status in (429, 503):
            assert 1 <= int(answer.headers["retry-after"]) <= 63
        line = self.wait_for_access(id=reference[1])
        assert (line["status"], line["details"], line["upstream"]) == (status, name, None)
        assert f"refusal={name} status={status} " in self.wait_for_log(f" ref={reference[1]} ")
        self.refused[name] = self.refused.get(name, 0) + 1
        return error["message"][:reference.start()]

    def expect_counted(self) -> None:
        """Each refusal that was expected since the start was counted once, under its own name only."""
        prefix = "wasmcustom.icegate_refusals.refusal."

        def counted():
            found = self.envoy.stats("icegate_refusals")
            return {name.removeprefix(prefix): value for name, value in found.items() if value}
        until(lambda: counted() == self.refused, 3, lambda: f"{counted()} is not {self.refused}")


class Connection:
    """One connection to the gate, kept alive; bytes go out exactly as given."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.socket = socket.create_connection(("127.0.0.1", gate.port), timeout=40)
        if gate.tls is not None:
            self.socket = gate.tls.wrap_socket(self.socket, server_hostname=gate.host)
        self._method = "GET"

    def ask(self, method: str, target: Text, **options: Any) -> Answer:
        """Sends a request and reads the answer. `token`: sent as Bearer; `headers`: pairs, in order."""
        self.send(method, target, **options)
        return self.read()

    def send(
        self, method: str, target: Text, *, token: str | None = None, headers: Headers = (), body: bytes = b"",
    ) -> None:
        """Sends a request and does not wait."""
        lines = [_bytes(method) + b" " + _bytes(target) + b" HTTP/1.1", b"Host: " + self._gate.host.encode()]
        if token is not None:
            lines.append(b"Authorization: Bearer " + token.encode())
        lines += [_bytes(name) + b": " + _bytes(value) for name, value in headers]
        if body or method not in ("GET", "HEAD"):
            lines.append(b"Content-Length: %d" % len(body))
        self._method = method
        self.socket.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def read(self) -> Answer:
        """The answer to what was sent."""
        response = http.client.HTTPResponse(self.socket, method=self._method)
        response.begin()
        answer = Answer(response.status, response.headers, response.read())
        with self._gate.replies_file.open("ab") as replies:
            replies.write(b"%d %s\n%s\n" % (answer.status, bytes(answer.headers), answer.body))
        return answer

    def close(self) -> None:
        """Hangs up."""
        self.socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Proxy(Standin):
    """A real server behind a stand-in: everything is passed on to it, but for the paths that a test scripts."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._behind = url
        self.on("*", self.pass_on)

    def pass_on(self, seen: Seen) -> Reply:
        """The real server's own answer."""
        headers = {name: value for name, value in seen.headers
                   if name.lower() not in ("host", "content-length", "transfer-encoding", "connection")}
        answer = web.request(seen.method, self._behind + seen.target, headers=headers, body=seen.body or None)
        return Reply(answer.status, answer.body, {"Content-Type": answer.headers.get("content-type", "text/plain")})


class IdpProxy(Proxy):
    """Keycloak behind a stand-in."""

    def __init__(self, keycloak: Keycloak) -> None:
        super().__init__(keycloak.url)
        self.token_path = urlsplit(keycloak.token_url).path
        self.jwks_path = urlsplit(keycloak.jwks_url).path

    def exchanges(self) -> list[Seen]:
        """The calls to the token endpoint."""
        return self.requests(self.token_path)


def until(
    holds: Callable[[], Any], timeout: float = 5, otherwise: Callable[[], str] = lambda: "it did not happen",
) -> None:
    """Waits until something holds; `otherwise` says what was there instead."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s: {otherwise()}")
        time.sleep(0.02)


def expect_header(answer: Answer, name: str, there: bool) -> None:
    """Exactly one header of the name, or none."""
    assert len(answer.headers.get_all(name) or []) == int(there), f"{name}: {answer.headers.get_all(name)}"


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text
