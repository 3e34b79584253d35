"""Runs the Python that has the pinned packages: `python3 -m stack.python -m pytest tests/e2e`."""

import os
import sys

from . import cache


def main() -> None:
    """Becomes that interpreter, with the arguments given."""
    if not cache.is_done(cache.venv()):
        sys.exit(str(cache.MissingPart("the Python environment")))
    os.execv(cache.venv_python(), [str(cache.venv_python()), *sys.argv[1:]])


if __name__ == "__main__":
    main()
