"""Iceberg's own REST compatibility kit: the tests that the project has for catalogs, run against any address."""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import artifacts, cache

SUITES = ("RESTCompatibilityKitCatalogTests", "RESTCompatibilityKitViewCatalogTests")
# What the launcher brings itself must not be on the tests' class path a second time.
BROUGHT = re.compile(r"junit|opentest4j|apiguardian")
PARAMETERS = re.compile(r"\(.*?\)")
LIMIT_SECONDS = 900


@dataclass(frozen=True)
class Outcome:
    """What became of each test, by `SUITE.method`; aborted ones found that the catalog lacks what they are about."""

    passed: frozenset[str]
    failed: frozenset[str]
    aborted: frozenset[str]
    disabled: frozenset[str]
    # Why each failed one did: the first line.
    reasons: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in ("passed", "failed", "aborted", "disabled")}


def run(folder: Path, properties: Mapping[str, str]) -> Outcome:
    """Runs both suites; it takes a minute or two. `folder`: for its reports and its log.

    `properties`: of the client, by Iceberg's names (`uri`, `credential`, ...), and the kit's own (`rck....`). The
    namespaces `ns`, `newdb`, `ns1`, `ns2` and `other_ns` of the catalog are emptied.
    """
    for part, name in ((cache.fixture(), "the REST fixture"), (cache.rck(), "the REST compatibility kit")):
        if not cache.is_done(part):
            raise cache.MissingPart(name, "engines")
    jars = [jar for part in (cache.fixture(), cache.rck()) for jar in sorted((part / "lib").glob("*.jar"))]
    class_path = os.pathsep.join(str(jar) for jar in jars if not BROUGHT.search(jar.name))
    settings = {"rck.local": "false", "org.slf4j.simpleLogger.defaultLogLevel": "off", **properties}
    folder.mkdir(parents=True, exist_ok=True)
    done = cache.run(
        cache.java(), "-Xmx500m", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={folder}",
        *(f"-D{name}={value}" for name, value in settings.items()),
        "-jar", artifacts.path("junit"), "execute", "--disable-banner", "--disable-ansi-colors", "--details=none",
        "--reports-dir", folder, "--class-path", class_path,
        *(f"--select-class=org.apache.iceberg.rest.{suite}" for suite in SUITES),
        capture_output=True, check=False, cwd=folder, timeout=LIMIT_SECONDS,
        env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
    )
    (folder / "rck.log").write_text(done.stdout + done.stderr)
    report = folder / "TEST-junit-jupiter.xml"
    if not report.is_file():
        raise RuntimeError(f"the kit did not run:\n{(done.stdout + done.stderr)[-3000:]}")
    return read(report)


def read(report: Path) -> Outcome:
    """A report of the launcher's, in the form that Ant once had."""
    found: dict[str, set[str]] = {"passed": set(), "failed": set(), "aborted": set(), "disabled": set()}
    reasons = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname').rpartition('.')[2]}.{PARAMETERS.sub('', case.get('name'))}"
        skipped, fault = case.find("skipped"), next((each for each in case if each.tag in ("failure", "error")), None)
        if fault is not None:
            found["failed"].add(name)
            reasons[name] = (fault.get("message") or fault.text or "").strip().partition("\n")[0]
        elif skipped is not None:
            aborted = "assumption was not met" in (skipped.text or "")
            found["aborted" if aborted else "disabled"].add(name)
        else:
            found["passed"].add(name)
    return Outcome(**{name: frozenset(names) for name, names in found.items()}, reasons=reasons)
