"""The README's table of engines: which worked with which identity provider and catalog, by the tests that say so.

A test is marked `cell(engine=..., idp=..., catalog=...)`. `pytest --cells FILE` writes what became of each cell, and
`python tests/e2e/cells.py FILE` compares the README's table with it; `ICEGATE_BLESS=1` writes the table anew.
"""

import json
import os
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- made by tests/e2e/cells.py -->\n", "<!-- end -->\n"
# Every row and every column of the table, whether anything was run there or not: the names that the marks have.
ENGINES = ("Trino 476", "Spark 4.1 (Iceberg 1.12)", "Iceberg Java 1.11", "PyIceberg 0.12", "DuckDB 1.5",
           "REST compatibility kit 1.11")
PLACES = (("Keycloak", "Nessie"), ("Keycloak", "REST fixture"), ("Keycloak", "Polaris, Lakekeeper, Gravitino"),
          ("Entra, Okta, Auth0", "any"))
NOT_RUN = "not run"


class Cells:
    """A plug-in of pytest's: a cell has passed when all of its tests did."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cells: dict[tuple[str, str, str], bool] = {}
        self._of: dict[str, list[tuple[str, str, str]]] = {}

    def pytest_collection_finish(self, session) -> None:
        """Which tests speak for which cells."""
        for item in session.items:
            self._of[item.nodeid] = [cell_of(mark.kwargs) for mark in item.iter_markers("cell")]

    def pytest_runtest_logreport(self, report) -> None:
        """One test's set-up, call or end. A skipped test shows nothing."""
        for cell in self._of.get(report.nodeid, ()):
            if report.when == "call" or not report.passed:
                self._cells[cell] = self._cells.get(cell, True) and report.passed

    def pytest_sessionfinish(self) -> None:
        """Writes them down."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        cells = [dict(zip(("engine", "idp", "catalog", "passed"), (*cell, passed), strict=True))
                 for cell, passed in sorted(self._cells.items())]
        self._file.write_text(json.dumps(cells, indent=1) + "\n")


def cell_of(names: dict[str, str]) -> tuple[str, str, str]:
    """A cell by a mark's names; one that the table does not have is an error."""
    engine, idp, catalog = names["engine"], names["idp"], names["catalog"]
    if engine not in ENGINES or (idp, catalog) not in PLACES:
        raise ValueError(f"the table has no cell {engine}, {idp}, {catalog}")
    return engine, idp, catalog


def table(cells: list[dict]) -> str:
    """The table in Markdown."""
    passed = {(cell["engine"], cell["idp"], cell["catalog"]): cell["passed"] for cell in cells}
    words = {True: "works", False: "**fails**", None: NOT_RUN}
    head = ["engine", *(f"{idp} + {catalog}" for idp, catalog in PLACES)]
    rows = [[engine, *(words[passed.get((engine, *place))] for place in PLACES)] for engine in ENGINES]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(file: Path) -> int:
    """Compares, or writes; the exit code says whether the README tells what was run."""
    text, made = README.read_text(), table(json.loads(file.read_text()))
    before, _, rest = text.partition(BEGIN)
    there, _, after = rest.partition(END)
    if there == made:
        return 0
    if os.environ.get("ICEGATE_BLESS"):
        README.write_text(f"{before}{BEGIN}{made}{END}{after}")
        return 0
    print(f"README.md's table of engines is not what was run (ICEGATE_BLESS=1 writes it):\n{made}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
