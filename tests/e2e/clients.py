"""What a client's user is told when the gate refuses: the words as they stand, and how often the client asked."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from gate import Gate

REFERENCE = re.compile(r"\(ref ([A-Za-z0-9._-]+)\)")


def told(problem: object) -> str:
    """The words of an exception, with `(ref ...)` in the place of the reference."""
    return REFERENCE.sub("(ref ...)", str(problem)).strip()


def refused_once(gate: Gate, refusal: str, kind: type[Exception], attempt: Callable[[], Any]) -> Exception:
    """What the attempt raised; the gate refused exactly one request for it, for the reason named.

    A client that took the refusal for a fault of the moment would have asked again.
    """
    before = len(_refusals(gate))
    with pytest.raises(kind) as caught:
        attempt()
    reference = REFERENCE.search(str(caught.value))
    assert reference, caught.value
    line = gate.wait_for_access(id=reference[1])
    assert (line["status"], line["details"]) == (403, refusal)
    assert len(_refusals(gate)) == before + 1
    return caught.value


def _refusals(gate: Gate) -> list[dict[str, Any]]:
    return [line for line in gate.access_log() if line["status"] == 403]
