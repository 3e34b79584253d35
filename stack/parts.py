"""What every real part has in common: a folder, ports, a process, a log, and ways to start, watch and stop it."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from .ports import free_port

KEEP = "ICEGATE_KEEP"


class NotReady(RuntimeError):
    """A part did not come up; the message holds the end of its log."""


class Part:
    """One real program on loopback.

    A subclass says how it is started (`command`, `environment`, `prepare`) and how one sees that it is ready
    (`is_ready`). Ports are chosen once, so a restart comes back at the same address; the folder stays too, so
    a part keeps its data across a restart. Use it as a context manager, or call `start`, `wait_ready`, `close`.
    """

    name = "part"
    ready_seconds = 60.0
    stop_seconds = 15.0

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where it keeps its files; without one it gets a temporary folder that `close` removes."""
        self._owns_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix=f"icegate-{self.name}-")) if folder is None else folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / f"{self.name}.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        _open_parts.add(self)

    # -- what a subclass says ------------------------------------------------------------------------------------

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables on top of the bare ones; nothing of the caller's own environment reaches a part."""
        return {}

    def prepare(self) -> None:
        """Writes what the program reads; runs before each start."""

    def is_ready(self) -> bool:
        """Whether it answers as it should."""
        raise NotImplementedError

    # -- its life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the program; it is ready only after `wait_ready`."""
        if self.is_running():
            raise RuntimeError(f"{self.name} is already running")
        self.prepare()
        (self.folder / "tmp").mkdir(exist_ok=True)
        bare = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(self.folder),
                "TMPDIR": str(self.folder / "tmp")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                env={**bare, **self.environment()}, start_new_session=True,
            )
        _tell_minder(f"+{self.process.pid}")

    def wait_ready(self, timeout: float | None = None) -> "Part":
        """Waits until the part is ready, or raises `NotReady` with the end of its log."""
        seconds = self.ready_seconds if timeout is None else timeout
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running():
                code = None if self.process is None else self.process.returncode
                raise NotReady(self._story(f"ended with code {code} before it was ready"))
            if self.is_ready():
                return self
            time.sleep(0.05)
        raise NotReady(self._story(f"was not ready after {seconds:.0f} s"))

    def stop(self) -> None:
        """Ends it: SIGTERM to the process that was started, SIGKILL to its group when that does not suffice."""
        if self.process is None:
            return
        pid = self.process.pid
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                pass
        self._kill_group()
        self.process.wait()
        self.process = None
        _tell_minder(f"-{pid}")

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._kill_group()
        self.stop()

    def restart(self, timeout: float | None = None) -> None:
        """Stops it and starts it again at the same address with the same data."""
        self.stop()
        self.start()
        self.wait_ready(timeout)

    def pause(self) -> None:
        """Freezes it: connections are still accepted by the system, but nothing is answered."""
        os.killpg(self._running().pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a frozen part go on."""
        os.killpg(self._running().pid, signal.SIGCONT)

    def close(self) -> None:
        """Stops it and removes its folder, unless the folder was given or $ICEGATE_KEEP is set."""
        self.stop()
        _open_parts.discard(self)
        if self._owns_folder and KEEP not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        """Starts it and waits for it."""
        self.start()
        try:
            return self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what can be seen of it ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def is_running(self) -> bool:
        """Whether the process lives (ready or not)."""
        return self.process is not None and self.process.poll() is None

    def log_text(self) -> str:
        """Everything that it wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def rss_bytes(self) -> int:
        """The memory that it holds, with all of its children."""
        return sum(_rss_of_group(self._running().pid))

    # -- within --------------------------------------------------------------------------------------------------

    def _running(self) -> "subprocess.Popen[bytes]":
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"{self.name} is not running")
        return self.process

    def _kill_group(self) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # nobody is left in it

    def _story(self, what: str) -> str:
        tail = "\n".join(self.log_text().splitlines()[-40:])
        return f"{self.name} at {self.url} {what}. The end of {self.log}:\n{tail}"


def start_all(*parts: Part) -> None:
    """Starts the parts side by side and waits for all of them; if one fails, those started are stopped."""
    try:
        for part in parts:
            part.start()
        for part in parts:
            part.wait_ready()
    except BaseException:
        for part in parts:
            part.stop()
        raise


def _rss_of_group(group: int) -> list[int]:
    """The resident bytes of each process of the group, by `/proc` or, where there is none, by `ps`."""
    if Path("/proc/self/stat").exists():
        sizes = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            if int(fields[2]) == group:
                sizes.append(int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
        return sizes
    listed = subprocess.run(["ps", "-axo", "pgid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(rss) * 1024 for pgid, rss in rows if int(pgid) == group]


# -- nothing outlives its starter ------------------------------------------------------------------------------------

_open_parts: set[Part] = set()
_minder: "subprocess.Popen[str] | None" = None
_minder_lock = threading.Lock()


def _tell_minder(word: str) -> None:
    """Tells the process that ends the parts if this one dies without a word; see `minder.py`."""
    global _minder
    with _minder_lock:
        if _minder is None:
            _minder = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("minder.py"))],
                stdin=subprocess.PIPE, text=True, start_new_session=True,
            )
        print(word, file=_minder.stdin, flush=True)


@atexit.register
def _stop_all() -> None:
    """The ordinary end of the program: what was left running is stopped in order, and temporary folders go."""
    for part in list(_open_parts):
        part.close()
