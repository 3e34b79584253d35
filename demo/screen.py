"""How the demo speaks: calm lines, colours only on a terminal that wants them."""

import os
import sys
import textwrap
import time

WIDTH = 100


class Screen:
    """Writes to standard output, each line at once."""

    def __init__(self) -> None:
        wanted = "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"
        self._colours = wanted and sys.stdout.isatty()

    def step(self, number: int, title: str) -> None:
        """The headline of a step of the story."""
        print(f"\n{self._paint('1', f'{number}. {title}')}\n", flush=True)

    def say(self, text: str) -> None:
        """A sentence or two."""
        print(textwrap.fill(" ".join(text.split()), WIDTH, initial_indent="   ", subsequent_indent="   "), flush=True)

    def code(self, text: str) -> None:
        """What is run, as it is written."""
        for line in textwrap.dedent(text).strip("\n").splitlines():
            print(f"     {self._paint('36', '> ' + line)}", flush=True)

    def output(self, text: str) -> None:
        """What came of it, as it came; long lines are folded so that nothing is lost."""
        for line in text.splitlines():
            folded = textwrap.wrap(line, WIDTH - 7, subsequent_indent="  ", break_on_hyphens=False,
                                   replace_whitespace=False) or [""]
            for part in folded:
                print(f"       {part}", flush=True)

    def passed(self, what: str) -> None:
        """A thing that the demo has checked."""
        print(f"   {self._paint('32', 'ok')} {what}", flush=True)

    def failed(self, what: str) -> None:
        """The clear line at the end of a demo that did not come out as told."""
        print(f"\n{self._paint('31', 'FAILED')} {what}", flush=True)

    def note(self, text: str) -> None:
        """A line as it is: progress, addresses, commands."""
        print(text, flush=True)

    def wait_until(self, when: float, why: str) -> None:
        """Waits until a point of wall-clock time, and says so when that takes more than a moment."""
        seconds = when - time.time()
        if seconds > 1:
            self.say(f"(waiting {seconds:.0f} s: {why})")
        if seconds > 0:
            time.sleep(seconds)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
