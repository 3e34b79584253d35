"""Names every tool that is needed here and that this machine lacks, all at once, with the command that installs it.

`python3 -m stack.tools` looks for all of them, `python3 -m stack.tools rust` for what building the filter takes.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

WASM_TARGET = "wasm32-wasip1"

# The tool, how Debian and macOS install it.
PROGRAMS = {
    "git": ("apt-get install git", "xcode-select --install"),
    "cargo": ("apt-get install rustup && rustup default stable", "brew install rustup && rustup default stable"),
    "cc": ("apt-get install build-essential", "xcode-select --install"),
    # libFuzzer, which the fuzz targets are built with.
    "c++": ("apt-get install build-essential", "xcode-select --install"),
    "mvn": ("apt-get install maven", "brew install maven"),
}
RUST = ("cargo", "cc", "c++")
MODULES = {
    "venv": ("apt-get install python3-venv", "brew install python"),
    "ensurepip": ("apt-get install python3-venv", "brew install python"),
}


def main(arguments: list[str]) -> int:
    """Prints what is missing; the exit code says whether anything is."""
    lines = missing(only_rust=arguments == ["rust"])
    if lines:
        print("\n".join(lines), file=sys.stderr)
    return 1 if lines else 0


def missing(only_rust: bool = False) -> list[str]:
    """One line for each thing that is not there; empty when one can go on."""
    lines = []
    for program, commands in PROGRAMS.items():
        if (program in RUST or not only_rust) and shutil.which(program) is None:
            lines.append(_line(program, *commands))
    lacking = [] if only_rust else [name for name in MODULES if importlib.util.find_spec(name) is None]
    if lacking:
        lines.append(_line(f"Python's {' and '.join(lacking)}", *MODULES[lacking[0]]))
    if shutil.which("cargo") and not _has_wasm_target() and shutil.which("rustup") is None:
        lines.append(_line(f"rustup (for the Rust target {WASM_TARGET})", "apt-get install rustup", "brew install rustup"))
    return lines


def add_wasm_target() -> str:
    """Makes sure that Rust can build the filter, and says what was done."""
    if _has_wasm_target():
        return "already there"
    subprocess.run(["rustup", "target", "add", WASM_TARGET], check=True, cwd=_tree(), stdout=sys.stderr)
    return "added"


def _has_wasm_target() -> bool:
    """Asks the compiler itself: distributions ship the target without rustup, and the tree may pin a toolchain."""
    asked = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", WASM_TARGET],
        capture_output=True, text=True, cwd=_tree(), check=False,
    )
    return asked.returncode == 0 and Path(asked.stdout.strip()).is_dir()


def _tree() -> Path:
    """The repository's top, where the toolchain file is."""
    return Path(__file__).resolve().parent.parent


def _line(what: str, debian: str, macos: str) -> str:
    return f"missing: {what}  (Debian: {debian}; macOS: {macos})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
