"""Iceberg's own REST fixture: a catalog that checks no token, on a local folder and an sqlite file."""

from collections.abc import Mapping

from . import cache, web
from .parts import Part


class FixtureCatalog(Part):
    """A second kind of catalog, quick to start: no prefix, another namespace separator, multi-table commits.

    It looks at no token, so what reaches it shows what the gate let through. Its tables survive a restart.
    """

    name = "fixture"

    @property
    def catalog_url(self) -> str:
        """Its Iceberg REST API."""
        return self.url

    def command(self) -> list[str]:
        """Our launcher, which binds loopback only."""
        if not cache.is_done(cache.fixture()):
            raise cache.MissingPart("the REST fixture")
        class_path = f"{cache.fixture() / 'classes'}:{cache.fixture() / 'lib'}/*"
        return [str(cache.java()), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={self.folder / 'tmp'}",
                "-cp", class_path, "org.apache.iceberg.rest.LoopbackServer"]

    def environment(self) -> Mapping[str, str]:
        """A file for its tables: with its default, each pooled connection has a database of its own."""
        return {
            "CATALOG_REST_PORT": str(self.port),
            "CATALOG_WAREHOUSE": str(self.folder / "warehouse"),
            "CATALOG_URI": f"jdbc:sqlite:{self.folder / 'catalog.db'}",
        }

    def is_ready(self) -> bool:
        """It answers its configuration."""
        return web.status(f"{self.url}/v1/config") == 200
