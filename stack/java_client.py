"""Iceberg's own Java client, as Spark, Flink and Trino have it within: the program `fixture/CatalogClient.java`.

It runs on the jars of the REST fixture. There is no S3 among them, so a catalog above S3 gets commits whose manifests
stay in the client's memory (`IN_MEMORY`); tables in a local folder are written for good (`LOCAL`).
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import cache

# Where tables keep their files: implementations of Iceberg's FileIO.
IN_MEMORY = "org.apache.iceberg.inmemory.InMemoryFileIO"
LOCAL = "org.apache.iceberg.hadoop.HadoopFileIO"


class Thrown(NamedTuple):
    """A Java exception."""

    type: str
    message: str | None


class JavaError(RuntimeError):
    """What the client threw: the exception itself, then its causes."""

    def __init__(self, story: list[Thrown]) -> None:
        super().__init__("\ncaused by ".join(f"{each.type}: {each.message}" for each in story))
        self.type, self.message = story[0]
        self.causes = story[1:]


class JavaClient:
    """One Java process, with any number of catalogs in it. Use it as a context manager.

    It ends when its standard input does, so it does not outlive whoever started it.
    """

    def __init__(self, folder: Path) -> None:
        """`folder`: where it writes its log."""
        self.log = folder / "java-client.log"
        self._process: subprocess.Popen[str] | None = None
        self._opened = 0

    def __enter__(self) -> "JavaClient":
        if not cache.is_done(cache.fixture()):
            raise cache.MissingPart("the Java client")
        class_path = f"{cache.fixture() / 'classes'}:{cache.fixture() / 'lib'}/*"
        command = [str(cache.java()), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", class_path, "CatalogClient"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
                cwd=self.log.parent, env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def open(self, uri: str, token: str, files: str, properties: Mapping[str, str]) -> "JavaCatalog":
        """Opens a catalog: the client asks for its `/v1/config`. `files`: as above; `properties`: by Iceberg's names."""
        self._opened += 1
        name = f"catalog{self._opened}"
        known = {"uri": uri, "token": token, "rest.auth.type": "oauth2"}
        self.ask("open", catalog=name, files=files, properties={**known, **properties})
        return JavaCatalog(self, name)

    def ask(self, what: str, **more: Any) -> Any:
        """One thing to do, by its name in the program; what came of it, or `JavaError`."""
        print(json.dumps({"do": what, **more}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the Java client ended:\n{self.log.read_text(errors='replace')[-2000:]}")
        answer = json.loads(line)
        if "failed" in answer:
            raise JavaError([Thrown(each["class"], each["message"]) for each in answer["failed"]])
        return answer["is"]


class JavaCatalog:
    """A catalog as the client opened it. Names of tables and views are written with dots: `raw.t`."""

    def __init__(self, client: JavaClient, name: str) -> None:
        self._client, self._name = client, name

    def ask(self, what: str, **more: Any) -> Any:
        """As `JavaClient.ask`, in this catalog."""
        return self._client.ask(what, catalog=self._name, **more)

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
