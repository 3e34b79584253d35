"""Maven artifacts by the ordinary mvn client, each checked against the sha256 that this tree pins."""

import json
from pathlib import Path

from . import cache

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


class BadArtifact(RuntimeError):
    """What was fetched is not what this tree pins."""


def pins() -> dict:
    """The pinned coordinates and digests."""
    return json.loads((cache.TREE / "artifacts.json").read_text())


def version(name: str) -> str:
    """The pinned version of one artifact."""
    return pins()[name]["artifact"].split(":")[2]


def pom_property(name: str, key: str) -> str:
    """What the pom of `name` calls `key`: the version that its jars are of."""
    text = (cache.TREE / pins()[name]["pom"]).read_text()
    return text.partition(f"<{key}>")[2].partition(f"</{key}>")[0]


def path(name: str) -> Path:
    """Where Maven keeps the artifact in the cache's local repository."""
    group, artifact, number, kind, *classifier = pins()[name]["artifact"].split(":")
    tail = "".join(f"-{part}" for part in classifier)
    return cache.maven().joinpath(*group.split("."), artifact, number, f"{artifact}-{number}{tail}.{kind}")


def fetch(name: str) -> Path:
    """Fetches one artifact unless it is there, checks it, and gives its path."""
    file = path(name)
    if not file.is_file():
        _mvn(f"{PLUGIN}:get", f"-Dartifact={pins()[name]['artifact']}", "-Dtransitive=false")
    _check(file, pins()[name]["sha256"])
    return file


def fetch_jars(name: str, folder: Path) -> None:
    """Fetches everything that the pom of `name` needs into the folder: exactly the pinned jars, no more and no fewer."""
    pinned = pins()[name]
    _mvn(
        f"{PLUGIN}:copy-dependencies", "-f", str(cache.TREE / pinned["pom"]),
        f"-DoutputDirectory={folder}", "-DincludeScope=runtime",
    )
    found = {file.name for file in folder.glob("*.jar")}
    if found != set(pinned["jars"]):
        odd = ", ".join(sorted(found ^ set(pinned["jars"])))
        raise BadArtifact(f"{name}: the jars fetched and those of stack/artifacts.json differ by: {odd}")
    for jar, digest in pinned["jars"].items():
        _check(folder / jar, digest)


def _check(file: Path, expected: str) -> None:
    """Refuses a file of another digest, and removes it so that the next run fetches it anew."""
    found = cache.sha256(file)
    if found != expected:
        file.unlink()
        raise BadArtifact(f"{file.name}: sha256 is {found}, stack/artifacts.json pins {expected}; removed, run it again")


def _mvn(*arguments: str) -> None:
    """Runs Maven quietly; its own words are shown when it fails."""
    command = ["mvn", "--quiet", "--batch-mode", f"-Dmaven.repo.local={cache.maven()}", *arguments]
    done = cache.run(*command, capture_output=True, check=False, cwd=cache.root())
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise BadArtifact(f"{arguments[0]} failed:\n" + "\n".join(words))
