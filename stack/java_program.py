"""A Java program of this tree that does what it is told, line by line: what the Java client and Spark have in common."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import cache


class Thrown(NamedTuple):
    """A Java exception."""

    type: str
    message: str | None


class JavaError(RuntimeError):
    """What the program threw: the exception itself, then its causes."""

    def __init__(self, story: list[Thrown]) -> None:
        super().__init__("\ncaused by ".join(f"{each.type}: {each.message}" for each in story))
        self.type, self.message = story[0]
        self.causes = story[1:]


class JavaProgram:
    """One Java process. It reads requests from its standard input, one JSON object a line, and answers each.

    It ends when its standard input does, so it does not outlive whoever started it. Use it as a context manager.
    """

    name = "java"
    options: Sequence[str] = ("-Xmx256m", "-XX:TieredStopAtLevel=1")

    def __init__(self, folder: Path) -> None:
        """`folder`: where it writes its log."""
        self.log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[str] | None = None

    def command(self) -> list[str]:
        """The class path, the main class and its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables on top of the bare ones."""
        return {}

    def __enter__(self):
        command = [str(cache.java()), *self.options, *self.command()]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        bare = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(self.log.parent)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
                cwd=self.log.parent, env={**bare, **self.environment()})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """The process stands still meanwhile, as on a laptop that is shut."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ask(self, what: str, **more: Any) -> Any:
        """One thing to do, by its name in the program; what came of it, or `JavaError`."""
        print(json.dumps({"do": what, **more}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended:\n{self.log.read_text(errors='replace')[-2000:]}")
        answer = json.loads(line)
        if "failed" in answer:
            raise JavaError([Thrown(each["class"], each["message"]) for each in answer["failed"]])
        return answer["is"]
