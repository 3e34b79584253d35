"""As much of HTTP/2 as it takes to send a request with trailers, which no client at hand does (RFC 9113, RFC 7541)."""

import socket
from collections.abc import Iterable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
END_STREAM, END_HEADERS = 1, 4
FRAME = 16384

Fields = Iterable[tuple[str, str]]


def ask(port: int, fields: Fields, body: bytes, trailers: Fields) -> bytes:
    """One request on a connection of its own; gives the answer's body. Names are written in lower case."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        pieces = [body[start:start + FRAME] for start in range(0, len(body), FRAME)]
        connection.sendall(b"".join([
            PREFACE, _frame(SETTINGS, 0, b"", stream=0), _frame(HEADERS, END_HEADERS, _block(fields)),
            *(_frame(DATA, 0, piece) for piece in pieces),
            _frame(HEADERS, END_HEADERS | END_STREAM, _block(trailers))]))
        answer = b""
        with connection.makefile("rb") as stream:
            while len(head := stream.read(9)) == 9:
                kind, flags, content = head[3], head[4], stream.read(int.from_bytes(head[:3], "big"))
                if int.from_bytes(head[5:], "big") != 1:
                    continue
                if kind == DATA:
                    answer += content
                if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                    return answer
        raise AssertionError("the connection ended before the answer did")


def _frame(kind: int, flags: int, content: bytes, stream: int = 1) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def _block(fields: Fields) -> bytes:
    """Literal fields without indexing, with new names (RFC 7541 section 6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(text: str) -> bytes:
    """A string without Huffman code, after its length (sections 5.1 and 5.2)."""
    length = len(text)
    if length < 127:
        return bytes([length]) + text.encode()
    head, length = bytes([127]), length - 127
    while length >= 128:
        head, length = head + bytes([length % 128 + 128]), length // 128
    return head + bytes([length]) + text.encode()
