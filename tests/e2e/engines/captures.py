"""What an engine sends, written down in a form that stays the same from run to run: `golden/engines/ENGINE.http`.

Tokens stand as whose they are, secrets as whose they are, forms with one member a line, JSON as the names of its members.
A request that is there already in a step is not written again. `ICEGATE_BLESS=1` writes the files anew.
"""

import base64
import contextlib
import difflib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus

from stack.recorder import Recorder
from stack.standin import Seen

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "engines"
BLESS = "ICEGATE_BLESS"
JWT = re.compile(r"[\w-]{4,}\.[\w-]{4,}\.[\w-]*")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Of the machine, in DuckDB's `User-Agent`.
PLATFORM = re.compile(r"\((linux|osx|windows)_\w+\) python/[\d.]+")
TOKENS = "/v1/oauth/tokens"
# What tells of the connection or of the recorder, not of the engine.
LEFT_OUT = ("host", "content-length", "connection", "transfer-encoding")


class Capture:
    """Of one engine: its requests, step by step. The engine must be told this one's `url` and `token_url`, and nobody else."""

    def __init__(self, engine: str, recorder: Recorder) -> None:
        self._file = FOLDER / f"{engine}.http"
        self._recorder = recorder
        self.url = f"{recorder.url}/iceberg"
        self.token_url = self.url + TOKENS
        self._steps: list[str] = []

    @contextlib.contextmanager
    def step(self, title: str, only_tokens: bool = False):
        """What is sent within, under a title; `only_tokens`: what is sent to the token endpoint."""
        before = len(self._recorder.requests())
        yield
        seen = [one for one in self._recorder.requests()[before:] if one.path.endswith(TOKENS) or not only_tokens]
        self._steps.append("\n\n".join([f"### {title}", *dict.fromkeys(map(written_down, seen))]))

    def expect(self) -> None:
        """All steps are as the file has them."""
        text = "\n\n\n".join(self._steps) + "\n"
        if os.environ.get(BLESS):
            self._file.parent.mkdir(exist_ok=True)
            self._file.write_text(text)
        assert self._file.exists(), f"{self._file} is not there; {BLESS}=1 writes it"
        differences = difflib.unified_diff(self._file.read_text().splitlines(), text.splitlines(), "kept", "sent", lineterm="")
        assert not (told := "\n".join(differences)), told


def written_down(seen: Seen) -> str:
    """One request."""
    lines = [f"{seen.method} {seen.target}"]
    for name, value in seen.headers:
        if name.lower() not in LEFT_OUT:
            lines.append(f"{name}: {_credential(value) if name.lower() == 'authorization' else value}")
    text = "\n".join(lines)
    body = seen.body.decode("utf-8", "replace")
    if (seen.header("content-type") or "").startswith("application/x-www-form-urlencoded") and body:
        text += "\n\n" + "\n&".join(_members(body))
    elif body:
        text += f"\n\n<JSON: {', '.join(json.loads(body))}>"
    return PLATFORM.sub("(<platform>) python/<version>", UUID.sub("<uuid>", text))


def _credential(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme == "Basic":
        name, _, _ = base64.b64decode(rest).decode().partition(":")
        return f"Basic <{name}:its secret>"
    return f"{scheme} {_token(rest)}"


def _members(form: str) -> Iterable[str]:
    """The members of a form as they were sent, but for what is secret."""
    client = dict(parse_qsl(form)).get("client_id")
    for member in form.split("&"):
        name, _, value = member.partition("=")
        if name == "client_secret":
            value = f"<{client}'s secret>"
        elif JWT.fullmatch(unquote_plus(value)):
            value = _token(unquote_plus(value))
        yield f"{name}={value}"


def _token(token: str) -> str:
    """Whose it is, and which client got it; an unsigned one in all its members."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2])
    if header["alg"] == "none":
        shown = {name: "<time>" if name in ("iat", "exp") else value for name, value in claims.items()}
        return f"<unsigned {json.dumps(header)} {json.dumps(shown)}>"
    return f"<token of {claims['preferred_username']}, by {claims['azp']}>"
