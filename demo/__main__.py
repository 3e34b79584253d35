"""`python3 -m stack.python -m demo [story|up|down|keep]`: what `make demo`, `demo-up` and `demo-down` run."""

import os
import signal
import sys

from stack.lake import CLIENT_VARIABLES

# Before anything loads pyarrow.
os.environ.update(CLIENT_VARIABLES)

from . import background  # noqa: E402  (after the variables)



def tell() -> int:
    """The story; imported only here, because `down` runs without the packages that it needs."""
    from . import story

    return story.run()


COMMANDS = {"story": tell, "up": background.up, "down": background.down, "keep": background.keep}


def _leave(*_: object) -> None:
    """A request to end is answered as Ctrl-C is: what was started is stopped first."""
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Runs one command and gives the exit code."""
    name = arguments[0] if arguments else "story"
    if name not in COMMANDS or len(arguments) > 1:
        print(f"usage: python3 -m stack.python -m demo [{'|'.join(COMMANDS)}]", file=sys.stderr)
        return 2
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    try:
        return COMMANDS[name]()
    except KeyboardInterrupt:
        print("\ninterrupted; everything that was started has been stopped", flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
