"""A server on loopback that passes everything on to another one and keeps what it was sent.

    with Recorder(gate.url) as recorder:
        ... an engine that was told recorder.url ...
    recorder.requests("/iceberg/v1/oauth/tokens")[0].body

It stands between an engine and a gate, so that one sees what the engine really sends. See `captures.py` of the tests.
"""

from . import web
from .standin import Reply, Seen, Standin

# What belongs to one connection (RFC 9110 7.6.1), and what the server writes itself.
OF_A_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "date", "server")


class Recorder(Standin):
    """The server behind it sees the client's own headers, `Host` among them; the client sees that server's answers."""

    def __init__(self, behind: str) -> None:
        """`behind`: the other one's address, without a path."""
        super().__init__()
        self._behind = behind
        self.answers: list[tuple[Seen, web.Answer]] = []
        self.on("*", self.pass_on)

    def pass_on(self, seen: Seen) -> Reply:
        """The other server's own answer."""
        headers = {name: value for name, value in seen.headers if name.lower() not in OF_A_CONNECTION}
        answer = web.request(seen.method, self._behind + seen.target, headers=headers, body=seen.body or None, timeout=90)
        self.answers.append((seen, answer))
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_A_CONNECTION}
        return Reply(answer.status, answer.body, kept)
