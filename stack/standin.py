"""A server that does what it is told, for the faults that no real server can be told to have.

    standin = Standin()
    standin.on("/token", Reply.json({"access_token": "..."}), Hang(), CLOSE)
    ...
    assert standin.requests("/token")[0].header("authorization") == ...

Each path has a script: its behaviours are used one after the other, and the last one goes on for ever.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Union

from .ports import free_port


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The only value of a header, or None; two values are an error, since icegate must never send two."""
        values = self.all_headers(name)
        if len(values) > 1:
            raise AssertionError(f"{self.method} {self.target} carried {name} {len(values)} times")
        return values[0] if values else None

    def all_headers(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Reply:
    """An ordinary answer. `delay`: seconds before its first byte; `body_delay`: between headers and body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    body_delay: float = 0.0

    @classmethod
    def json(cls, content: Any, status: int = 200, **more: Any) -> "Reply":
        """An answer whose body is JSON."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        return cls(status, json.dumps(content).encode(), headers, **more)


@dataclass(frozen=True)
class Flow:
    """An answer whose body is made piece by piece and never held, anew for each request.

    It goes in chunks unless `headers` say how long it is. `pause`: seconds before each piece. `close`: the connection
    ends behind the last piece, in the middle of the body where a length was promised that is not reached.
    """

    pieces: Callable[[], Iterable[bytes]]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    close: bool = False


@dataclass(frozen=True)
class Raw:
    """Bytes exactly as given, then the end of the connection: for answers that are no HTTP."""

    content: bytes


@dataclass(frozen=True)
class Hang:
    """Takes the request and never answers, until the stand-in is stopped or `release` is called."""


@dataclass(frozen=True)
class Close:
    """Ends the connection without an answer, or with `after_headers` in the middle of one.

    After headers Envoy gives the filter a callout answer that has no headers at all. `reset` sends RST, not FIN.
    """

    after_headers: bool = False
    reset: bool = False


CLOSE = Close()
CLOSE_AFTER_HEADERS = Close(after_headers=True)

Behaviour = Union[Reply, Flow, Raw, Hang, Close, Callable[[Seen], "Behaviour"]]


class Standin:
    """A scripted HTTP/1.1 server on loopback, with a record of all that it was sent. Use it as a context manager."""

    def __init__(self, port: int | None = None) -> None:
        self.port = free_port() if port is None else port
        self._scripts: dict[str, list[Behaviour]] = {}
        self._default: Behaviour = Reply(404)
        self._seen: list[Seen] = []
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    # -- the script ----------------------------------------------------------------------------------------------

    def on(self, path: str, *behaviours: Behaviour) -> "Standin":
        """What it does at a path (without the query) from now on; `*` is every path without a script."""
        with self._changed:
            if path == "*":
                (self._default,) = behaviours
            else:
                self._scripts[path] = list(behaviours)
        return self

    def release(self) -> None:
        """Ends everything that hangs or is delayed; what hangs afterwards hangs anew."""
        with self._changed:
            self._released.set()
            self._released = threading.Event()

    # -- the record ----------------------------------------------------------------------------------------------

    def requests(self, path: str | None = None) -> list[Seen]:
        """What came, oldest first, at one path or at all."""
        with self._changed:
            return self._at(path)

    def wait_for(self, path: str | None, count: int, timeout: float = 10) -> list[Seen]:
        """Waits until so many requests have come."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._at(path)) >= count, timeout):
                came = len(self._at(path))
                raise AssertionError(f"{came} requests at {path or 'any path'}, not {count}, after {timeout} s")
            return self._at(path)

    def clear(self) -> None:
        """Forgets the record, not the script."""
        with self._changed:
            self._seen.clear()

    def forget(self) -> None:
        """Forgets the record and every script."""
        with self._changed:
            self._seen.clear()
            self._scripts.clear()

    # -- its life ------------------------------------------------------------------------------------------------

    def start(self) -> "Standin":
        """Listens; also after `stop`, at the same address."""
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Refuses connections from now on and cuts those that are open, as a crash would."""
        if self._server is None:
            return
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        with self._changed:
            open_ones, self._connections = self._connections, set()
        for connection in open_ones:
            _cut(connection)

    def __enter__(self) -> "Standin":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- within --------------------------------------------------------------------------------------------------

    def _at(self, path: str | None) -> list[Seen]:
        return [one for one in self._seen if path is None or one.path == path]

    def _take(self, seen: Seen) -> tuple[Behaviour, threading.Event]:
        """Records the request and says what to do with it."""
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()
            script = self._scripts.get(seen.path)
            if not script:
                return self._default, self._released
            return (script.pop(0) if len(script) > 1 else script[0]), self._released


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], standin: Standin) -> None:
        self.standin = standin
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Peers that go away in the middle are what this is for: nothing to say."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.standin._changed:
            self.server.standin._connections.add(self.connection)

    def finish(self) -> None:
        with self.server.standin._changed:
            self.server.standin._connections.discard(self.connection)
        super().finish()

    def __getattr__(self, name: str) -> Any:
        """Every method of HTTP, known or not, is answered the same way."""
        if name.startswith("do_"):
            return self._act
        raise AttributeError(name)

    def _act(self) -> None:
        seen = Seen(self.command, self.path, tuple(self.headers.items()), self._read_body(), time.monotonic())
        behaviour, released = self.server.standin._take(seen)
        while callable(behaviour):
            behaviour = behaviour(seen)
        if isinstance(behaviour, Reply):
            self._reply(behaviour, released)
        elif isinstance(behaviour, Flow):
            self._flow(behaviour, released)
        elif isinstance(behaviour, Raw):
            self.wfile.write(behaviour.content)
            self._end()
        elif isinstance(behaviour, Hang):
            released.wait()
            self._end()
        else:
            if behaviour.after_headers:
                self._head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
                self.wfile.write(b'{"cut":')
                time.sleep(0.05)  # so that the headers arrive on their own
            self._end(behaviour.reset)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(pieces)

    def _reply(self, reply: Reply, released: threading.Event) -> None:
        if reply.delay:
            released.wait(reply.delay)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        if reply.status in (204, 304):
            del headers["Content-Length"]
        self._head(reply.status, headers)
        if reply.body_delay:
            released.wait(reply.body_delay)
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _flow(self, flow: Flow, released: threading.Event) -> None:
        length = any(name.lower() == "content-length" for name in flow.headers)
        self._head(flow.status, {"Content-Type": "application/json", **flow.headers,
                                 **({} if length else {"Transfer-Encoding": "chunked"})})
        if self.command != "HEAD":
            for piece in flow.pieces():
                if released.wait(flow.pause):
                    return self._end()
                self.wfile.write(piece if length else b"%x\r\n%s\r\n" % (len(piece), piece))
            if not length:
                self.wfile.write(b"0\r\n\r\n")
        if flow.close:
            self._end()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _end(self, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            _cut(self.connection)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed: requests carry tokens."""


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was gone already
