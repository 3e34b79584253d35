"""A small HTTP client for loopback: no proxies, no redirects, any status is an answer. Standard library only."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit


@dataclass(frozen=True)
class Answer:
    """What the other side said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def expect(self, *statuses: int) -> "Answer":
        """This answer, or an error that says what came instead (its first words: bodies of refusals hold no secret)."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise UnexpectedAnswer(f"expected {wanted}, got {self.status}: {self.text()[:300]}")
        return self


class UnexpectedAnswer(RuntimeError):
    """An answer of another status than the caller can go on with."""


def request(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, Any] | None = None,
    json_body: Any = None, body: bytes | None = None, bearer: str | None = None,
    basic: tuple[str, str] | None = None, timeout: float = 30,
) -> Answer:
    """Sends one request on a connection of its own and reads the whole answer."""
    sent = dict(headers or {})
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    if basic is not None:
        sent["Authorization"] = basic_credentials(*basic)
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form, doseq=True).encode()
    if json_body is not None:
        sent["Content-Type"] = "application/json"
        body = json.dumps(json_body).encode()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def get(url: str, **options: Any) -> Answer:
    """GET, see `request`."""
    return request("GET", url, **options)


def post(url: str, **options: Any) -> Answer:
    """POST, see `request`."""
    return request("POST", url, **options)


def status(url: str, timeout: float = 2) -> int:
    """The status of a GET, or 0 when nothing answers: what readiness checks ask."""
    try:
        return get(url, timeout=timeout).status
    except (OSError, http.client.HTTPException):
        return 0


def basic_credentials(name: str, secret: str) -> str:
    """HTTP Basic as OAuth wants it: both halves form-encoded first (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
    return "Basic " + base64.b64encode(pair).decode()
