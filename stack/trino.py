"""A real Trino on loopback. It is large (540 MB to fetch, 450 MB unpacked), so only its own tests run it."""

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from . import artifacts, cache, web
from .parts import Part

CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
node.internal-address=127.0.0.1
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
query.max-memory=400MB
query.max-memory-per-node=400MB
memory.heap-headroom-per-node=300MB
catalog.management=dynamic
catalog.store=memory
"""


class Cause(NamedTuple):
    """One exception of a query that failed."""

    type: str
    message: str | None


class TrinoError(RuntimeError):
    """A query failed: what its user is shown (`name`, `message`), and what lies behind it (`--debug` of its client)."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.name, self.message = error["errorName"], error["message"]
        self.causes: list[Cause] = []
        failure = error["failureInfo"]
        while failure := failure.get("cause"):
            self.causes.append(Cause(failure["type"], failure.get("message")))
        super().__init__("\ncaused by ".join([self.message, *(f"{each.type}: {each.message}" for each in self.causes)]))


class Trino(Part):
    """One node. Catalogs are made by statements (`open_rest_catalog`) and forgotten when it stops.

    It runs without `jdk.incubator.vector`, which this Java runtime lacks; Trino then does without vectors.
    """

    name = "trino"
    ready_seconds = 240.0

    def command(self) -> list[str]:
        """The server itself, without its launcher, which would want a JDK."""
        home = cache.trino(artifacts.version("trino"))
        if not cache.is_done(home):
            raise cache.MissingPart("Trino", "trino")
        return [
            str(cache.java()), "-Xmx1200m", "-XX:+ExitOnOutOfMemoryError", "-XX:ReservedCodeCacheSize=256M",
            "-XX:TieredStopAtLevel=1", "-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8",
            f"-Djava.io.tmpdir={self.folder / 'tmp'}", f"-Dconfig={self.folder / 'config.properties'}",
            f"-Dnode.data-dir={self.folder / 'data'}", "-Dnode.environment=test", "-Dnode.id=one",
            "-Dnode.bind-ip=127.0.0.1", f"-Dplugin.dir={home / 'plugin'}",
            "-cp", f"{home / 'lib'}/*", "io.trino.server.TrinoServer",
        ]

    def prepare(self) -> None:
        """Writes its configuration."""
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "config.properties").write_text(CONFIG.format(port=self.port))

    def is_ready(self) -> bool:
        """It says itself that it is no longer starting."""
        if web.status(f"{self.url}/v1/info") != 200:
            return False
        return web.get(f"{self.url}/v1/info").json()["starting"] is False

    def open_rest_catalog(self, name: str, uri: str, warehouse: str, token: str) -> None:
        """A REST catalog whose tables lie in local folders.

        Queries bring their user's token (`query`); `token` is for the catalog's `/v1/config`, which Trino asks for once.
        """
        properties = {
            "iceberg.catalog.type": "rest", "iceberg.rest-catalog.uri": uri, "iceberg.rest-catalog.warehouse": warehouse,
            "iceberg.rest-catalog.security": "OAUTH2", "iceberg.rest-catalog.oauth2.token": token,
            "iceberg.rest-catalog.oauth2.token-refresh-enabled": "false", "iceberg.rest-catalog.session": "USER",
            "fs.native-local.enabled": "true", "local.location": "/",
        }
        settings = ", ".join(f"\"{key}\" = '{value}'" for key, value in properties.items())
        self.query(f"CREATE CATALOG {name} USING iceberg WITH ({settings})", "admin")

    def query(self, statement: str, user: str, token: str | None = None) -> list[list[Any]]:
        """The rows, or `TrinoError`. `token`: the extra credential of that name, with which the catalog is asked.

        Trino 476 keeps the first token of a user, source and catalog for an hour, whatever later queries bring.
        """
        headers = {"X-Trino-User": user, "X-Trino-Source": "icegate"}
        if token is not None:
            headers["X-Trino-Extra-Credential"] = f"token={quote(token)}"
        said = web.request("POST", f"{self.url}/v1/statement", headers=headers, body=statement.encode()).expect(200).json()
        rows: list[list[Any]] = []
        while True:
            rows += said.get("data", [])
            if "error" in said:
                raise TrinoError(said["error"])
            if "nextUri" not in said:
                return rows
            said = web.request("GET", said["nextUri"], headers=headers).expect(200).json()
