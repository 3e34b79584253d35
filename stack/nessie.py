"""A real Nessie: an Iceberg REST catalog that checks tokens and writes down who changed what."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import artifacts, cache, web
from .keycloak import Keycloak
from .moto import ACCESS_KEY, REGION, SECRET_KEY, Moto
from .parts import Part
from .ports import free_port

WAREHOUSE = "warehouse"
# What the auditor may do: read what happened, make branches, and move them. It commits nothing.
AUDIT = ("['VIEW_REFERENCE', 'CREATE_REFERENCE', 'ASSIGN_REFERENCE_TO_HASH', "
         "'READ_ENTRIES', 'READ_CONTENT_KEY', 'READ_ENTITY_VALUE', 'LIST_COMMIT_LOG']")
ACCESS = re.compile(r'access-log\].* - (\S+) \[[^\]]+\] "(\S+) (\S+) [^"]*" (\d+)')


class Access(NamedTuple):
    """One line of the access log; `user` is `-` where no token was accepted."""

    user: str
    method: str
    path: str
    status: int


class Nessie(Part):
    """The catalog. It takes tokens of the realm whose audience is `audience`, and lets only `people` in.

    Whoever else has a good token is told no by its authorization (500 `AccessCheckException` on the Iceberg API);
    a token for another audience is refused with 401. It keeps everything in memory: a restart forgets it.
    """

    name = "nessie"

    def __init__(
        self, keycloak: Keycloak, moto: Moto, folder: Path | None = None, audience: str = "catalog",
        people: tuple[str, ...] = ("alice", "bob"), properties: Mapping[str, Any] | None = None,
        warehouses: Mapping[str, str] | None = None,
    ) -> None:
        """`properties`: further Quarkus or Nessie settings, for the test that needs them.

        `warehouses`: their locations by name, the first being the default one; else one in the first bucket of `moto`.
        """
        super().__init__(folder)
        self.management_port = free_port()
        self._keycloak, self._moto = keycloak, moto
        self.audience, self.people, self._more = audience, people, dict(properties or {})
        self.warehouses = dict(warehouses or {WAREHOUSE: f"s3://{moto.buckets[0]}/wh"})

    @property
    def catalog_url(self) -> str:
        """Its Iceberg REST API."""
        return f"{self.url}/iceberg"

    def history(self, branch: str = "main") -> list[dict[str, Any]]:
        """The commits of a branch, newest first: `committer`, `authors`, `message`.

        The realm's client `auditor` asks, here and below, so that a test's own count of exchanges is not disturbed.
        """
        return [entry["commitMeta"] for entry in self._audit("GET", f"/{branch}/history")["logEntries"]]

    def head(self, branch: str = "main") -> str:
        """The hash of the branch's newest commit."""
        return self._audit("GET", f"/{branch}")["reference"]["hash"]

    def entries(self, branch: str = "main") -> dict[tuple[str, ...], dict[str, Any]]:
        """What the branch holds: the content by its name, level by level."""
        listed = self._audit("GET", f"/{branch}/entries?content=true")["entries"]
        return {tuple(entry["name"]["elements"]): entry["content"] for entry in listed}

    def create_branch(self, name: str) -> None:
        """A branch that holds nothing: one made from `main` would begin with all that `main` holds."""
        empty = web.get(f"{self.url}/api/v2/config", bearer=self._auditor()).expect(200).json()["noAncestorHash"]
        self._audit("POST", f"?name={name}&type=BRANCH", {"type": "BRANCH", "name": "main", "hash": empty})

    def move_branch(self, name: str, to: str) -> None:
        """Brings the branch to a commit, an older one of its own for example: what came after it is gone."""
        target = {"type": "BRANCH", "name": name, "hash": to}
        self._audit("PUT", f"/{name}@{self.head(name)}?type=BRANCH", target)

    def _audit(self, method: str, path: str, content: Any = None) -> Any:
        """Nessie's own interface, as the auditor."""
        url = f"{self.url}/api/v2/trees{path}"
        return web.request(method, url, bearer=self._auditor(), json_body=content).expect(200).json()

    def _auditor(self) -> str:
        return self._keycloak.client_token("auditor")

    def access_log(self) -> list[Access]:
        """Who asked for what, oldest first, as the catalog itself saw it."""
        found = ACCESS.findall(self.log_text())
        return [Access(user, method, path, int(status)) for user, method, path, status in found]

    def command(self) -> list[str]:
        """C1 only and a modest heap: it starts sooner and shares the machine."""
        return [str(cache.java()), "-Xms64m", "-Xmx384m", "-XX:TieredStopAtLevel=1",
                f"-Djava.io.tmpdir={self.folder / 'tmp'}", "-jar", str(artifacts.path("nessie"))]

    def prepare(self) -> None:
        """Writes its configuration where it looks for it: below its working folder."""
        if not artifacts.path("nessie").is_file():
            raise cache.MissingPart("Nessie")
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        lines = [f"{name}={value}" for name, value in {**self.settings(), **self._more}.items()]
        (config / "application.properties").write_text("\n".join(lines) + "\n")

    def settings(self) -> dict[str, Any]:
        """Its whole configuration."""
        s3 = "nessie.catalog.service.s3.default-options"
        names = ", ".join(f"'{person}'" for person in self.people)
        return {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": self.management_port,
            "quarkus.http.access-log.enabled": "true",
            "quarkus.otel.sdk.disabled": "true",
            "nessie.version.store.type": "IN_MEMORY",
            "nessie.catalog.default-warehouse": next(iter(self.warehouses)),
            **{f"nessie.catalog.warehouses.{name}.location": place for name, place in self.warehouses.items()},
            f"{s3}.endpoint": f"{self._moto.url}/",
            f"{s3}.region": REGION,
            f"{s3}.path-style-access": "true",
            f"{s3}.access-key": "urn:nessie-secret:quarkus:storage",
            "storage.name": ACCESS_KEY,
            "storage.secret": SECRET_KEY,
            "nessie.server.authentication.enabled": "true",
            "quarkus.oidc.tenant-enabled": "true",
            "quarkus.oidc.auth-server-url": self._keycloak.issuer,
            # It starts side by side with Keycloak.
            "quarkus.oidc.connection-delay": "120S",
            # The realm's keys are rotated under it; by default it would look again only after ten minutes.
            "quarkus.oidc.token.forced-jwk-refresh-interval": "1S",
            "quarkus.oidc.client-id": self.audience,
            "quarkus.oidc.token.audience": self.audience,
            "quarkus.oidc.token.principal-claim": "preferred_username",
            "nessie.server.authorization.enabled": "true",
            "nessie.server.authorization.rules.people": f"role in [{names}]",
            "nessie.server.authorization.rules.auditor": f"op in {AUDIT} && role=='service-account-auditor'",
        }

    def is_ready(self) -> bool:
        """The management port's word; it says no until the bucket exists."""
        return web.status(f"http://127.0.0.1:{self.management_port}/q/health/ready") == 200
