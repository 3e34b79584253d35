"""Ends the parts when the program that started them is gone, however it went (SIGKILL too).

The starter holds the write end of this process's standard input and tells it `+GROUP` for each process group that
it starts and `-GROUP` for each that it ended. End of file means that the starter died: what is left is ended then.
Unlike PR_SET_PDEATHSIG this reaches grandchildren (kc.sh's java), outlives the thread that started a part, and
works on macOS.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 5


def main() -> None:
    """Follows the starter's words until it is gone, then ends what it left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    end(groups)


def end(groups: set[int]) -> None:
    """SIGTERM to each group's leader, SIGKILL to the whole group when it does not follow."""
    for group in groups:
        _signal(os.killpg, group, signal.SIGCONT)
        _signal(os.kill, group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_signal(os.killpg, group, 0) for group in groups):
        time.sleep(0.1)
    for group in groups:
        _signal(os.killpg, group, signal.SIGKILL)


def _signal(send, target: int, name: int) -> bool:
    """Whether the signal found somebody."""
    try:
        send(target, name)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
