"""A real Trino on loopback. It is large (540 MB to fetch, 450 MB unpacked), so only its own tests run it."""

import os
import subprocess
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from trino import dbapi

from . import artifacts, cache, web
from .moto import Moto
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


# Where tables keep their files: anywhere on this machine, or in moto.
LOCAL_FILES = {"fs.native-local.enabled": "true", "local.location": "/"}


def s3_files(moto: Moto) -> dict[str, str]:
    """Trino's settings for files in that S3."""
    keys = moto.client_properties()
    return {"fs.native-s3.enabled": "true", "s3.endpoint": keys["s3.endpoint"], "s3.region": keys["s3.region"],
            "s3.path-style-access": "true", "s3.aws-access-key": keys["s3.access-key-id"],
            "s3.aws-secret-key": keys["s3.secret-access-key"]}


class Cause(NamedTuple):
    """One exception of a query that failed."""

    type: str
    message: str | None


class Shown(NamedTuple):
    """What the command line printed."""

    code: int
    rows: str
    errors: str


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

    # -- catalogs ------------------------------------------------------------------------------------------------

    def open_rest_catalog(self, name: str, uri: str, warehouse: str, token: str) -> None:
        """A REST catalog whose tables lie in local folders.

        Queries bring their user's token (`query`); `token` is for the catalog's `/v1/config`, which Trino asks for once.
        """
        self.open_catalog(name, {
            "uri": uri, "warehouse": warehouse, "security": "OAUTH2", "session": "USER", "oauth2.token": token,
            "oauth2.token-refresh-enabled": "false"}, LOCAL_FILES)

    def open_user_catalog(
        self, name: str, uri: str, warehouse: str, credential: tuple[str, str], files: Mapping[str, str],
        more: Mapping[str, str] | None = None,
    ) -> None:
        """A REST catalog that asks as each query's user, and as itself, by client and secret, for `/v1/config`.

        Tokens come from the token endpoint below `uri`, which Trino is told by name. `files`: `LOCAL_FILES` or
        `s3_files`; `more`: further settings, by their names below `iceberg.rest-catalog.`.
        """
        self.open_catalog(name, {
            "uri": uri, "warehouse": warehouse, "security": "OAUTH2", "session": "USER",
            "oauth2.credential": ":".join(credential), "oauth2.server-uri": f"{uri}/v1/oauth/tokens", **(more or {})}, files)

    def open_catalog(self, name: str, settings: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Any REST catalog; `settings` by their names below `iceberg.rest-catalog.`."""
        properties = {"iceberg.catalog.type": "rest", **files,
                      **{f"iceberg.rest-catalog.{key}": value for key, value in settings.items()}}
        written = ", ".join(f"\"{key}\" = '{value}'" for key, value in properties.items())
        self.query(f"CREATE CATALOG {name} USING iceberg WITH ({written})", "admin")

    # -- three clients -------------------------------------------------------------------------------------------

    def run(self, statement: str, user: str, *options: str) -> Shown:
        """Its own command line: what a person types, and what they are shown. `options`: as it has them (`--debug`)."""
        if not artifacts.path("trino-cli").is_file():
            raise cache.MissingPart("Trino's command line", "trino")
        done = subprocess.run(
            [str(cache.java()), "-Xmx200m", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
             "-Dorg.jline.terminal.type=dumb", "-jar", str(artifacts.path("trino-cli")), "--server", self.url,
             "--user", user, "--source", "cli", *options, "--execute", statement],
            capture_output=True, text=True, check=False, timeout=120,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(self.folder)})
        return Shown(done.returncode, done.stdout, done.stderr)

    def connect(self, user: str, catalog: str, credentials: Mapping[str, str] | None = None) -> Any:
        """A connection of its Python client; `credentials`: extra ones, by names of any form."""
        return dbapi.connect(host="127.0.0.1", port=self.port, user=user, catalog=catalog, source="python",
                             extra_credential=list((credentials or {}).items()))

    def query(self, statement: str, user: str, token: str | None = None, source: str = "icegate") -> list[list[Any]]:
        """The rows, or `TrinoError`. `token`: the extra credential of that name, with which the catalog is asked.

        Trino 476 keeps the first token of a user, source and catalog for an hour, whatever later queries bring.
        """
        headers = {"X-Trino-User": user, "X-Trino-Source": source}
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
