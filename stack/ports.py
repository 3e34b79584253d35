"""Free ports of 127.0.0.1 that stay free while their part is down.

They lie below the ranges from which systems take the ports of outgoing connections (32768 and up on Linux, 49152 on
macOS), so that a part can be restarted on its port: nobody is given that port meanwhile.
"""

import random
import socket
import threading

FIRST, LAST = 20000, 29999

_given: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A port that nobody listens on and that this process has not given out before."""
    with _lock:
        for port in random.sample(range(FIRST, LAST + 1), 1000):
            if port not in _given and _is_free(port):
                _given.add(port)
                return port
    raise RuntimeError(f"no free port of 127.0.0.1 between {FIRST} and {LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
