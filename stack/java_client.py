"""Iceberg's own Java client, as Spark, Flink and Trino have it within: the program `fixture/CatalogClient.java`.

It runs on the jars of the REST fixture. There is no S3 among them, so a catalog above S3 gets commits whose manifests
stay in the client's memory (`IN_MEMORY`); tables in a local folder are written for good (`LOCAL`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import cache
from .java_program import JavaError, JavaProgram

__all__ = ["IN_MEMORY", "LOCAL", "JavaCatalog", "JavaClient", "JavaError"]

# Where tables keep their files: implementations of Iceberg's FileIO.
IN_MEMORY = "org.apache.iceberg.inmemory.InMemoryFileIO"
LOCAL = "org.apache.iceberg.hadoop.HadoopFileIO"


class JavaClient(JavaProgram):
    """One process, with any number of catalogs in it."""

    name = "java-client"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._opened = 0

    def command(self) -> list[str]:
        """The program on the fixture's jars."""
        if not cache.is_done(cache.fixture()):
            raise cache.MissingPart("the Java client")
        return ["-cp", f"{cache.fixture() / 'classes'}:{cache.fixture() / 'lib'}/*", "CatalogClient"]

    def open(self, uri: str, token: str | None, files: str, properties: Mapping[str, str]) -> "JavaCatalog":
        """Opens a catalog: the client asks for its `/v1/config`. `files`: as above; `properties`: by Iceberg's names."""
        name = self._next("catalog")
        known = {"uri": uri, "rest.auth.type": "oauth2", **({} if token is None else {"token": token})}
        self.ask("open", catalog=name, files=files, properties={**known, **properties})
        return JavaCatalog(self, name)

    def _next(self, kind: str) -> str:
        self._opened += 1
        return f"{kind}{self._opened}"


class JavaCatalog:
    """A catalog as the client opened it. Names of tables and views are written with dots: `raw.t`."""

    def __init__(self, client: JavaClient, name: str) -> None:
        self._client, self._name = client, name

    def ask(self, what: str, **more: Any) -> Any:
        """As `JavaClient.ask`, in this catalog."""
        return self._client.ask(what, catalog=self._name, **more)

    def session(self, credentials: Mapping[str, str]) -> "JavaCatalog":
        """The same catalog in a session of somebody's own, as Trino opens one for each user.

        `credentials`: `token`, `credential` or one of the token types of RFC 8693; without any it is as the catalog is.
        """
        name = self._client._next("session")
        self.ask("open session", session=name, credentials=dict(credentials))
        return JavaCatalog(self._client, name)

    def list_namespaces(self) -> list[str]:
        """All at the top."""
        return self.ask("list namespaces")

    def create_namespace(self, name: str) -> None:
        """An empty one."""
        self.ask("create namespace", namespace=name)

    def list_tables(self, namespace: str) -> list[str]:
        """By their full names."""
        return self.ask("list tables", namespace=namespace)

    def list_views(self, namespace: str) -> list[str]:
        """By their full names."""
        return self.ask("list views", namespace=namespace)

    def create_table(self, name: str) -> dict[str, Any]:
        """A table of one column. It and what follows give `location`, `properties`, `metadata`, `records`."""
        return self.ask("create table", table=name)

    def load_table(self, name: str) -> dict[str, Any]:
        """The table as it is now."""
        return self.ask("load table", table=name)

    def table_exists(self, name: str) -> bool:
        """Whether it does: a `HEAD` where the catalog has it."""
        return self.ask("table exists", table=name)

    def set_properties(self, name: str, properties: Mapping[str, str]) -> dict[str, Any]:
        """A load and a commit."""
        return self.ask("set properties", table=name, properties=properties)

    def append(self, name: str) -> dict[str, Any]:
        """A load and a commit of three more rows, whose file nobody wrote."""
        return self.ask("append", table=name)

    def commit_transaction(self, names: list[str], properties: Mapping[str, str]) -> None:
        """Loads all, then one commit to all."""
        self.ask("commit transaction", tables=names, properties=properties)

    def rename_table(self, name: str, to: str) -> None:
        """By its full name."""
        self.ask("rename", table=name, to=to)

    def register_table(self, name: str, metadata: str) -> dict[str, Any]:
        """A table from the address of its metadata file."""
        return self.ask("register", table=name, metadata=metadata)

    def drop_table(self, name: str) -> bool:
        """Without purging; whether it was there."""
        return self.ask("drop table", table=name)

    def create_view(self, name: str) -> str:
        """A view of one column."""
        return self.ask("create view", view=name)

    def load_view(self, name: str) -> str:
        """Its name in the client's words."""
        return self.ask("load view", view=name)
