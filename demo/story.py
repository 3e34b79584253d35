"""`make demo`: the story, with real output. Every step checks itself; one that comes out otherwise ends the demo."""

import shutil
import signal
import tempfile
import traceback
from pathlib import Path

from . import background
from .chapters import NotAsTold, tell
from .screen import Screen
from .stage import Stage

LOGS = ("*.log", "envoy.yaml", "traceback.txt")


def run() -> int:
    """Starts the parts, tells the story, stops the parts; the exit code says whether all came out as told."""
    screen = Screen()
    folder = Path(tempfile.mkdtemp(prefix="icegate-demo-"))
    kept = background.run_folder() / "logs-of-last-demo"
    stage = None
    code = 1
    try:
        screen.note("Starting the real parts on loopback, on free ports:\n")
        stage = Stage(folder)
        stage.start(screen)
        tell(stage, screen)
        code = 0
    except NotAsTold as problem:
        screen.failed(f"not as told: {problem}")
    except Exception as problem:  # whatever went wrong, one clear line; the rest is in the logs
        (folder / "traceback.txt").write_text(traceback.format_exc())
        screen.failed(f"{type(problem).__name__}: {problem}")
    finally:
        # Once stopping has begun it is not left half-done, however often Ctrl-C is pressed.
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        if stage is not None:
            stage.close()
        keep_logs(folder, kept)
        shutil.rmtree(folder, ignore_errors=True)
    if code == 0:
        screen.note(f"\nEverything came out as told, and everything is stopped. Logs of this run: {kept}")
    else:
        screen.note(f"Everything is stopped. Logs of this run: {kept}")
    return code


def keep_logs(folder: Path, kept: Path) -> None:
    """Keeps what the parts wrote, in place of what was kept of the run before."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for pattern in LOGS:
        for file in (*folder.glob(pattern), *folder.glob(f"*/{pattern}")):
            shutil.copy(file, kept)
