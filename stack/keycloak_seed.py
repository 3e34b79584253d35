"""What makes Keycloak start in seconds: its build step done once, and a database that holds the realm already.

A first start imports the realm and migrates an empty database; a start on a copy of that database does not.
The same run leaves an archive of loaded classes, which saves another second or two.
"""

import os
import shutil
from pathlib import Path

from . import artifacts, cache
from .realm import LAKE

DATABASE = "keycloakdb.mv.db"
CLASSES = "classes.jsa"

# The administrator of a server that lives for one test run, on loopback.
ADMIN = ("admin", "admin-pw")

# C1 only: quicker to start; the peak speed that is lost does not matter here.
JVM = "-XX:TieredStopAtLevel=1"


def build_distribution(folder: Path) -> None:
    """Keycloak's own build step, with the choices that cannot be made at start."""
    done = cache.run(
        folder / "bin" / "kc.sh", "build", "--db=dev-file", "--health-enabled=true",
        env={"JAVA_HOME": str(cache.java_home()), "PATH": os.environ.get("PATH", os.defpath)},
        capture_output=True, check=False,
    )
    if done.returncode != 0:
        raise RuntimeError("kc.sh build failed:\n" + (done.stdout + done.stderr)[-3000:])


def seed_folder(realm_file: Path = LAKE) -> Path:
    """The seed of this realm, this Keycloak and this Java: a change of any makes a new one."""
    return cache.root() / f"realm-{cache.digest_of(realm_file, cache.TREE / 'artifacts.json', cache.REQUIREMENTS)}"


def ensure_seed(realm_file: Path = LAKE) -> bool:
    """Makes the seed unless it is there; says whether it had to."""
    from .keycloak import Keycloak  # it starts from what this module makes

    folder = seed_folder(realm_file)
    with cache.locked("realm"):
        cache.keep_newest("realm-*", 3, folder)
        if cache.is_done(folder):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        keycloak = Keycloak(realm_file=realm_file, seeding=True)
        keycloak.ready_seconds = 300
        keycloak.stop_seconds = 60
        with keycloak:
            keycloak.stop()
            shutil.copyfile(keycloak.database, folder / DATABASE)
            shutil.copyfile(keycloak.folder / CLASSES, folder / CLASSES)
        cache.mark_done(folder)
    return True


def place_home(home: Path) -> None:
    """Lays out a Keycloak home of its own over the cached distribution: all of it linked, but for what is written.

    kc.sh is copied because it takes its own real place for Keycloak's home.
    """
    distribution = cache.keycloak(artifacts.version("keycloak"))
    if not cache.is_done(distribution):
        raise cache.MissingPart("Keycloak")
    (home / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy2(distribution / "bin" / "kc.sh", home / "bin")
    for name in ("lib", "conf", "providers", "themes"):
        link = home / name
        if not link.is_symlink():
            link.symlink_to(distribution / name)
