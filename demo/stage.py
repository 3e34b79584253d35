"""All parts of the demo on one stage: Keycloak, S3, Nessie, and Envoy with the gate in front of Nessie."""

import os
import time
from pathlib import Path

from stack.envoy import Envoy, wasm_module
from stack.lake import Lake
from stack.parts import Part
from stack.ports import free_port
from stack.tenants import TENANTS, bucket, location
from stack.trino import Trino, s3_files

from .keys import private_key
from .screen import Screen

TOP = Path(__file__).resolve().parents[1]
CONFIGURATION = TOP / "envoy" / "smallest.yaml"
TENANTS_CONFIGURATION = TOP / "envoy" / "tenants.yaml"
ENGINES_CONFIGURATION = TOP / "envoy" / "engines.yaml"
KEYS_PATH = "/icegate/jwks.json"
BASE_PATH = "/iceberg"
PEOPLE = ("alice", "bob", "carol")

ROLES = {
    "keycloak": "Keycloak, the identity provider",
    "moto": "moto, an S3 for the tables' files",
    "nessie": "Nessie, the Iceberg REST catalog",
    "envoy": "Envoy with the gate",
    "trino": "Trino, unpatched",
}


class Stage:
    """The parts, each in a folder of its own name below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder, people=PEOPLE, buckets=tuple(map(bucket, TENANTS)),
                         warehouses={tenant: location(tenant) for tenant in TENANTS})
        self.keycloak, self.nessie = self.lake.keycloak, self.lake.nessie
        self.gate_port, self.tenants_port = free_port(), free_port()
        self.envoy = self._gate(CONFIGURATION, self.gate_port, folder / "envoy")
        self.tenants_envoy = self._gate(TENANTS_CONFIGURATION, self.tenants_port, folder / "envoy-tenants")
        self.engines_port = free_port()
        self.engines_envoy = self._gate(ENGINES_CONFIGURATION, self.engines_port, folder / "envoy-engines")
        # Big, so only with `make demo TRINO=1`.
        self.trino = Trino(folder / "trino") if os.environ.get("TRINO") else None

    def _gate(self, configuration: Path, port: int, folder: Path) -> Envoy:
        # One worker: each has a cache of its own, and the story follows one of them.
        return Envoy(
            self.configuration(configuration, port), folder, wasm=wasm_module(), concurrency=1,
            variables={"ICEGATE_SECRET": self.keycloak.credential("icegate")[1],
                       "ICEGATE_TOKENS_SECRET": self.keycloak.credential("icegate-tokens")[1],
                       "ICEGATE_ASSERTION_KEY": private_key()},
        )

    @property
    def gate_url(self) -> str:
        """The catalog's API, through the gate."""
        return f"http://127.0.0.1:{self.gate_port}{BASE_PATH}"

    @property
    def tenants_url(self) -> str:
        """The catalog's API, through the gate that knows of tenants."""
        return f"http://127.0.0.1:{self.tenants_port}{BASE_PATH}"

    @property
    def engines_url(self) -> str:
        """The catalog's API, through the gate that answers the token endpoint."""
        return f"http://127.0.0.1:{self.engines_port}{BASE_PATH}"

    def configuration(self, file: Path, port: int) -> str:
        """A file of envoy/ as it is, but for the ports."""
        text = file.read_text()
        for told, here in (
            ("issuer: http://127.0.0.1:8080/realms/lake", f"issuer: {self.keycloak.issuer}"),
            ("port_value: 10000", f"port_value: {port}"),
            ("port_value: 19120", f"port_value: {self.nessie.port}"),
            ("port_value: 8080", f"port_value: {self.keycloak.port}"),
        ):
            if text.count(told) != 1:
                raise RuntimeError(f"{file}: '{told}' is expected exactly once")
            text = text.replace(told, here)
        return text

    def start(self, screen: Screen) -> None:
        """Starts everything, with a line for each part when it is ready."""
        began = time.monotonic()
        lake = [self.keycloak, self.lake.moto, self.nessie]
        for part in lake:
            part.start()
        self._watch(lake, began, screen)
        self.envoy.start()
        self._watch([self.envoy], time.monotonic(), screen)

    def start_tenants(self) -> None:
        """A branch for each tenant, and a gate that knows of them."""
        for tenant in TENANTS:
            self.nessie.create_branch(tenant)
        self.tenants_envoy.start()
        self.tenants_envoy.wait_ready()

    def start_engines(self, screen: Screen) -> None:
        """A gate for engines as they come, whose assertions Keycloak believes, and Trino behind it."""
        self.engines_envoy.start()
        self.engines_envoy.wait_ready()
        self.keycloak.admin.set_keys_url(f"http://127.0.0.1:{self.engines_port}{KEYS_PATH}")
        if self.trino is None:
            return
        began = time.monotonic()
        self.trino.start()
        self._watch([self.trino], began, screen)
        self.trino.open_user_catalog("lake", self.engines_url, "acme", self.keycloak.credential("trino"),
                                     s3_files(self.lake.moto))

    def close(self) -> None:
        """Stops everything, those that lean on others first."""
        if self.trino is not None:
            self.trino.close()
        self.engines_envoy.close()
        self.tenants_envoy.close()
        self.envoy.close()
        self.lake.close()

    def _watch(self, parts: list[Part], began: float, screen: Screen) -> None:
        waiting = list(parts)
        while waiting:
            for part in list(waiting):
                if part.is_running() and part.is_ready():
                    waiting.remove(part)
                    took = f"{time.monotonic() - began:.1f} s"
                    screen.note(f"   {ROLES[part.name]:<36} ready after {took:>6}   {self.address(part)}")
                elif not part.is_running() or time.monotonic() - began > part.ready_seconds:
                    part.wait_ready(0)  # raises with the end of its log
            time.sleep(0.05)

    def address(self, part: Part) -> str:
        """Where a person would go: for Envoy the gate, not the admin interface."""
        return self.gate_url if part is self.envoy else part.url
