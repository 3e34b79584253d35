"""Tokens that end soon, so that clients renew them while a test looks on."""

import contextlib
import time
from collections.abc import Callable, Iterator

from stack.keycloak import Keycloak

# As the realm file has them; None: as long as the realm's own.
LIVES = {"icegate-tokens": 600}


@contextlib.contextmanager
def short_lives(keycloak: Keycloak, *clients: str, seconds: int) -> Iterator[None]:
    """Tokens of these clients, and the gate's for engines, live so long."""
    for client in ("icegate-tokens", *clients):
        keycloak.admin.set_client_lifespan(client, seconds)
    try:
        yield
    finally:
        for client in ("icegate-tokens", *clients):
            keycloak.admin.set_client_lifespan(client, LIVES.get(client))


def every_second(seconds: int, act: Callable[[], None]) -> int:
    """Does it once a second, for so long; gives how often. What it raises ends it."""
    times, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        act()
        times += 1
        time.sleep(1)
    return times
