"""A gate with a recorder in front of it, which is where engines are sent."""

from urllib.parse import urlsplit

from engine_gate import believe
from gate import Gate

from stack.keycloak import Keycloak
from stack.recorder import Recorder
from stack.standin import Seen


class Watched:
    """Use it as a context manager. Keycloak gets the gate's keys from its address as long as it is up.

    All of these gates have the same key, so the youngest one will do for the others.
    """

    def __init__(self, gate: Gate, keycloak: Keycloak, base_path: str) -> None:
        self.gate, self._keycloak = gate, keycloak
        self.recorder = Recorder(f"http://127.0.0.1:{gate.port}")
        # The catalog's address and its token endpoint, as engines are told them.
        self.url = self.recorder.url + base_path
        self.token_url = f"{self.url}/v1/oauth/tokens"

    def __enter__(self) -> "Watched":
        self.gate.__enter__()
        self.recorder.start()
        self._keys_url = believe(self._keycloak, self.gate)
        return self

    def __exit__(self, *_: object) -> None:
        self._keycloak.admin.set_keys_url(self._keys_url)
        self.recorder.stop()
        self.gate.close()

    def token_requests(self) -> list[Seen]:
        """What came to the token endpoint since the record was cleared."""
        return self.recorder.requests(urlsplit(self.token_url).path)
