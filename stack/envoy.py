"""A real Envoy on loopback, with whatever configuration a test or the demo gives it."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import cache, web
from .parts import Part

WASM_PLACE = "@WASM@"
BUILD = "make wasm"


def wasm_module() -> Path:
    """The filter as `make wasm` leaves it: below this tree's `target`, or where $CARGO_TARGET_DIR says."""
    target = cache.TREE.parent / os.environ.get("CARGO_TARGET_DIR", "target")
    return target / "wasm32-wasip1" / "release" / "icegate.wasm"


class Envoy(Part):
    """One Envoy. The configuration is complete but for the admin address, which this class sets to `port`.

    Its listeners bind the ports that the configuration names; take them from `stack.ports.free_port`.
    """

    name = "envoy"
    ready_seconds = 30.0
    stop_seconds = 10.0

    def __init__(
        self, config: str, folder: Path | None = None, *, wasm: Path | None = None, concurrency: int = 1,
        variables: Mapping[str, str] | None = None, log_level: str = "info",
    ) -> None:
        """`wasm`: put in the place of `@WASM@`; `variables`: the environment, where the filter finds its secrets."""
        super().__init__(folder)
        self.config, self.wasm = config, wasm
        self.concurrency, self.log_level = concurrency, log_level
        self._variables = dict(variables or {})

    # -- what its admin interface says ---------------------------------------------------------------------------

    def stats(self, pattern: str = "") -> dict[str, int]:
        """Counters and gauges by name, those that match the regular expression."""
        rows = self._admin(f"/stats?format=json&type=All&filter={pattern}").json()["stats"]
        return {row["name"]: row["value"] for row in rows if "name" in row}

    def stat(self, name: str) -> int:
        """One counter or gauge; 0 while it does not exist."""
        return self.stats().get(name, 0)

    def prometheus(self) -> str:
        """All stats as Prometheus reads them."""
        return self._admin("/stats/prometheus").text()

    def config_dump(self) -> dict[str, Any]:
        """The configuration that it runs with, as an operator can read it."""
        return self._admin("/config_dump").json()

    def set_log_level(self, level: str, logger: str | None = None) -> None:
        """Changes the level of one logger (such as `wasm`) or of all, while it runs."""
        self._admin(f"/logging?{logger or 'level'}={level}", "POST")

    def drain(self) -> None:
        """Starts to close its listeners gracefully: connections in use are told to go, none are cut."""
        self._admin("/drain_listeners?graceful", "POST")

    def live_listeners(self) -> dict[str, str]:
        """The address of each listener by name."""
        listeners = self._admin("/listeners?format=json").json().get("listener_statuses", [])
        places = {one["name"]: one["local_address"]["socket_address"] for one in listeners}
        return {name: f"{place['address']}:{place['port_value']}" for name, place in places.items()}

    def wait_for_stat(self, name: str, at_least: int, timeout: float = 10) -> int:
        """Waits until the counter has reached a value: batches of counts arrive with the filter's tick."""
        deadline = time.monotonic() + timeout
        while (value := self.stat(name)) < at_least:
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is {value}, not {at_least}, after {timeout} s")
            time.sleep(0.05)
        return value

    def _admin(self, path: str, method: str = "GET") -> web.Answer:
        return web.request(method, self.url + path).expect(200)

    # -- the process ---------------------------------------------------------------------------------------------

    def command(self) -> list[str]:
        """Without hot restart, so that any number of Envoys live side by side."""
        admin = {"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}}}}
        return [
            str(cache.envoy()), "-c", str(self.folder / "envoy.yaml"), "--config-yaml", json.dumps(admin),
            "--concurrency", str(self.concurrency), "--disable-hot-restart",
            # Who reads an access log here waits for its lines; by default they come after ten seconds.
            "--file-flush-interval-msec", "50",
            # `main` lists every extension at info; what goes wrong at start it says above that.
            "--log-level", self.log_level, "--component-log-level", "main:warning",
        ]

    def environment(self) -> Mapping[str, str]:
        """Only what was given: the filter sees the variables that its configuration names among these."""
        return self._variables

    def prepare(self) -> None:
        """Writes the configuration, with the filter's path in its place."""
        text = self.config
        if self.wasm is not None:
            if not self.wasm.is_file():
                raise FileNotFoundError(f"{self.wasm} is not there; build it: {BUILD}")
            text = text.replace(WASM_PLACE, str(self.wasm.resolve()))
        elif WASM_PLACE in text:
            raise ValueError(f"the configuration wants the filter at {WASM_PLACE}; give its path as `wasm`")
        (self.folder / "envoy.yaml").write_text(text)

    def is_ready(self) -> bool:
        """Its own word: LIVE, after every listener and filter came up."""
        return web.status(f"{self.url}/ready") == 200

    @staticmethod
    def validate(config: str, folder: Path) -> str:
        """What Envoy says of a configuration that it does not start: empty when it is good."""
        file = folder / "validated.yaml"
        file.write_text(config)
        command = [str(cache.envoy()), "--mode", "validate", "-c", str(file), "--disable-hot-restart"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr
