"""A real Spark in one process of this machine. It is large (400 MB), so only the tests of the engines run it.

It comes by Maven, as the jars that `pyspark` and the download hold too, and runs on the Java of the cache.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import cache
from .java_program import JavaError, JavaProgram
from .lake import CLIENT_VARIABLES

__all__ = ["JavaError", "Spark"]

# What Spark's own launcher opens to it (org.apache.spark.launcher.JavaModuleOptions), but for what this Java lacks.
OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
    "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
    "sun.util.calendar",
)
SETTINGS = {
    "spark.master": "local[1]",
    "spark.app.name": "icegate",
    "spark.ui.enabled": "false",
    "spark.log.level": "WARN",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "1",
    # Arrow's buffers want what this Java no longer gives to libraries; how files are read is not what is tested here.
    "spark.sql.iceberg.vectorization.enabled": "false",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
}


class Spark(JavaProgram):
    """One session. Catalogs are opened in it by name, each with its own credential."""

    name = "spark"
    options = ("-Xmx1g", "-XX:TieredStopAtLevel=1", *(f"--add-opens=java.base/{each}=ALL-UNNAMED" for each in OPENED))

    def __init__(self, folder: Path) -> None:
        """`folder`: where it writes its log, and keeps what it spills."""
        super().__init__(folder)
        self._folder = folder

    def command(self) -> list[str]:
        """The program on Spark's jars."""
        if not cache.is_done(cache.spark()):
            raise cache.MissingPart("Spark", "engines")
        settings = {**SETTINGS, "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
                    "spark.local.dir": str(self._folder / "tmp")}
        return [*(f"-D{name}={value}" for name, value in settings.items()),
                "-cp", f"{cache.spark() / 'classes'}:{cache.spark() / 'lib'}/*", "SparkProgram"]

    def environment(self) -> Mapping[str, str]:
        """Loopback only; and what moto wants of every client of S3."""
        return {"SPARK_LOCAL_IP": "127.0.0.1", **CLIENT_VARIABLES}

    def open_rest_catalog(self, name: str, uri: str, properties: Mapping[str, str]) -> None:
        """A REST catalog, by Iceberg's names: `token`, or `credential` and where it is good; the first use opens it."""
        known = {"type": "rest", "uri": uri, "rest.auth.type": "oauth2", **properties}
        prefix = f"spark.sql.catalog.{name}"
        self.ask("set", settings={prefix: "org.apache.iceberg.spark.SparkCatalog",
                                  **{f"{prefix}.{key}": value for key, value in known.items()}})

    def sql(self, statement: str) -> list[list[Any]]:
        """The rows, or `JavaError`."""
        return self.ask("sql", statement=statement)
