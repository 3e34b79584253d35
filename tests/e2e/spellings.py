"""The zoo of spellings: `golden/spellings.txt`, what catalogs make of a spelling, and what the gate makes of it.

A line of the file is one request, then what the catalog alone answers, then what the gate answers:

    CATALOG PERSON METHOD TARGET [HEADER:VALUE] [BODY] -> STATUS [resolved|changed] -> STATUS WORDS

`resolved`: the answer holds what the person must not see; `changed`: something is different that the person must not
change. Bytes that do not show stand as `\\xNN`, a backslash as two. Names in `<>` are filled in: a commit's hash.
"""

import http.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bootstrap import connection_manager
from gate import Connection, Gate, until

from stack.web import Answer

FORBIDDEN = Path(__file__).with_name("golden") / "spellings.txt"
LEGAL = Path(__file__).with_name("golden") / "legal_spellings.txt"
ARROW = " -> "
READS = ("GET", "HEAD", "OPTIONS", "TRACE")
NUMBER = "X-Spelling"


@dataclass(frozen=True)
class Spelling:
    """One request of the zoo, with the two results that the file has for it."""

    request: str
    alone: str = ""
    gate: str = ""

    @property
    def catalog(self) -> str:
        """Which catalog it is for."""
        return self.request.split(" ")[0]

    @property
    def person(self) -> str:
        """Who asks."""
        return self.request.split(" ")[1]

    @property
    def method(self) -> str:
        """The method."""
        return self.request.split(" ")[2]

    @property
    def may_change(self) -> bool:
        """Whether it could change something: by its method, or by one that it names elsewhere, which carol tries."""
        return self.method not in READS or self.person == "carol"

    @property
    def reaches(self) -> bool:
        """Whether the catalog, alone, gives or does what is forbidden."""
        return self.alone.endswith((" resolved", " changed"))

    def line(self) -> str:
        """Its line of the file."""
        return ARROW.join((self.request, self.alone or "?", self.gate or "?"))

    def parts(self, names: Mapping[str, str]) -> "tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]":
        """Method, target, headers and body as they are sent, with the names in `<>` filled in."""
        text = self.request
        for name, value in names.items():
            text = text.replace(f"<{name}>", value)
        _, _, method, target, *more = (_bytes(word) for word in text.split(" "))
        body = more.pop() if more and more[-1][:1] == b"{" else b""
        return method, target, [tuple(word.split(b":", 1)) for word in more], body


def read(file: Path) -> list[Spelling | str]:
    """The file: spellings, and its comments and empty lines as they are."""
    def one(line: str) -> Spelling | str:
        return line if not line or line.startswith("# ") else Spelling(*line.split(ARROW))
    return [one(line) for line in file.read_text().splitlines()] if file.exists() else []


def spellings(file: Path) -> list[Spelling]:
    """Only the spellings."""
    return [entry for entry in read(file) if isinstance(entry, Spelling)]


def bless(file: Path, half: str, found: Mapping[str, str]) -> None:
    """Writes one half (`alone` or `gate`) of the results into the file."""
    def one(entry: Spelling | str) -> str:
        if isinstance(entry, str):
            return entry
        return replace(entry, **{half: found.get(entry.request, getattr(entry, half))}).line()
    known = {spelling.request for spelling in spellings(file)}
    fresh = [Spelling(request) for request in found if request not in known]
    file.write_text("\n".join(map(one, [*read(file), *fresh])) + "\n")


class Direct(NamedTuple):
    """A catalog as something to connect to, in the place of a gate."""

    port: int
    replies_file: Path
    host: str = "gate.test"
    tls: None = None


class Forbidden:
    """What must not be seen and not be changed in one catalog, found out at the catalog itself."""

    def __init__(
        self, words: Iterable[bytes], state: Callable[[], Any], restore: Callable[[], None], names: Mapping[str, str],
    ) -> None:
        """`words`: an answer that holds one shows too much. `restore`: brings `state` back. `names`: those in `<>`."""
        self._words, self._state, self._restore, self.names = tuple(words), state, restore, names

    def sent(self, spelling: Spelling, ask: Callable[[], Answer | None]) -> tuple[int, str]:
        """Sends it; gives the status (0: the connection was closed) and `resolved`, `changed` or nothing."""
        before = self._state() if spelling.may_change else None
        answer = ask()
        status = answer.status if answer else 0
        if before is not None and self._state() != before:
            self._restore()
            return status, "changed"
        return status, "resolved" if 200 <= status < 300 and self._shown(spelling, answer) else ""

    def _shown(self, spelling: Spelling, answer: Answer) -> bool:
        if spelling.method == "HEAD":
            return True
        if "/config" in spelling.request:
            return b"globex" in answer.body
        return any(word in answer.body for word in self._words)


def ask_catalog(spelling: Spelling, forbidden: Forbidden, port: int, token: str | None, folder: Path) -> str:
    """The first half of a line's results: the catalog alone."""
    to = Direct(port, folder / "replies.log")
    return _words(*forbidden.sent(spelling, lambda: _ask(to, spelling, forbidden, token)))


def ask_gate(gate: Gate, forbidden: Forbidden, zoo: list[Spelling], token_of: Callable[[str], str]) -> dict[str, str]:
    """The second half, for all lines of one catalog.

    `403 NAME`: a refusal, the filter's or Envoy's; `400 envoy`: Envoy could not even read it; `200 passed
    [resolved|changed]`: it went to the catalog.
    """
    got = {}
    for number, spelling in enumerate(zoo):
        def ask(spelling: Spelling = spelling, number: int = number) -> Answer | None:
            return _ask(gate, spelling, forbidden, token_of(spelling.person), [(NUMBER.encode(), b"%d" % number)])
        got[number] = forbidden.sent(spelling, ask)
    gate.ask("GET", "/the-end", headers=[(NUMBER, "the-end")])
    until(lambda: any(line.get("spelling") == "the-end" for line in gate.access_log()))
    logged = {line["spelling"]: line for line in gate.access_log()}
    return {spelling.request: _gate_words(logged.get(str(number)), *got[number])
            for number, spelling in enumerate(zoo)}


def numbered(bootstrap: dict) -> None:
    """For `Gate(edit=...)`: the access log says which spelling a line is about."""
    (log,) = connection_manager(bootstrap)["access_log"]
    log["typed_config"]["log_format"]["json_format"]["spelling"] = f"%REQ({NUMBER})%"


def _words(status: int, what: str) -> str:
    return f"{status or 'closed'} {what}".rstrip()


def _gate_words(line: Mapping[str, Any] | None, status: int, what: str) -> str:
    if line is None:
        return _words(status, "envoy")
    return _words(status, line["details"] if line["upstream"] is None else f"passed {what}")


def _ask(to: Gate | Direct, spelling: Spelling, forbidden: Forbidden, token: str | None, more=()) -> Answer | None:
    method, target, headers, body = spelling.parts(forbidden.names)
    try:
        with Connection(to) as connection:
            return connection.ask(method, target, token=token, headers=[*headers, *more], body=body)
    except (http.client.HTTPException, OSError):
        return None


def _bytes(word: str) -> bytes:
    return word.encode("ascii").decode("unicode_escape").encode("latin-1")
