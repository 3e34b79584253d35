"""`make demo-up` and `make demo-down`: the same parts, kept by a process in the background.

The keeper holds a lock of the run folder for as long as it lives, so whoever looks knows whether the process number
written there is still its own: nobody else's process is ever ended.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from stack import cache
from stack.keycloak_seed import ADMIN
from stack.lake import CLIENT_VARIABLES

from .screen import Screen
from .stage import TOP, Stage

STOP_SECONDS = 90


def run_folder() -> Path:
    """Where this checkout keeps the state of its demo."""
    return cache.root() / f"demo-{hashlib.sha256(str(TOP).encode()).hexdigest()[:8]}"


def up() -> int:
    """Starts the keeper, follows it until everything is ready, and says how to play."""
    screen, run = Screen(), run_folder()
    run.mkdir(parents=True, exist_ok=True)
    if _is_kept(run):
        screen.note("already running; `make demo-down` ends it\n")
        show(screen, run)
        return 0
    _state(run).unlink(missing_ok=True)
    screen.note("Starting the real parts on loopback, on free ports:\n")
    with (run / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen([sys.executable, "-m", "demo", "keep"], cwd=TOP, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        with (run / "keeper.log").open() as words:
            while keeper.poll() is None and not _state(run).exists():
                sys.stdout.write(words.read())
                sys.stdout.flush()
                time.sleep(0.1)
            sys.stdout.write(words.read())
    except KeyboardInterrupt:
        keeper.terminate()
        keeper.wait()
        raise
    if keeper.poll() is not None:
        screen.failed(f"it did not come up; see {run / 'keeper.log'}")
        return 1
    screen.note("")
    show(screen, run)
    return 0


def down() -> int:
    """Ends the keeper, which ends exactly the parts that it started."""
    screen, run = Screen(), run_folder()
    if not _is_kept(run):
        screen.note("nothing is running")
        return 0
    os.kill(int(_lock(run).read_text()), signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_kept(run):
        if time.monotonic() > deadline:
            screen.failed(f"it did not end within {STOP_SECONDS} s; see {run / 'keeper.log'}")
            return 1
        time.sleep(0.1)
    screen.note(f"stopped; the logs stay in {run / 'parts'} until the next demo-up")
    return 0


def keep() -> int:
    """The keeper: starts the parts, writes where they are, and stops them when it is told to end."""
    screen, run = Screen(), run_folder()
    run.mkdir(parents=True, exist_ok=True)
    lock = _lock(run).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        screen.failed("another demo of this checkout is running")
        return 1
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    parts = run / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    stage = None
    try:
        stage = Stage(parts)
        stage.start(screen)
        half = _state(run).with_suffix(".half")
        half.write_text(json.dumps(state_of(stage), indent=1) + "\n")
        half.rename(_state(run))
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except Exception as problem:  # one clear line for whoever waits in demo-up
        screen.failed(f"{type(problem).__name__}: {problem}")
        return 1
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        _state(run).unlink(missing_ok=True)
        if stage is not None:
            stage.close()


def state_of(stage: Stage) -> dict[str, Any]:
    """What `demo-up` tells, and what scripts may read."""
    return {
        "gate": stage.gate_url,
        "token_endpoint": stage.keycloak.token_url,
        "keycloak": stage.keycloak.url,
        "nessie": stage.nessie.url,
        "envoy_admin": stage.envoy.url,
        "properties": stage.lake.client_properties(stage.gate_url),
        "variables": CLIENT_VARIABLES,
        "passwords": {name: stage.keycloak.realm.password(name) for name in ("alice", "bob", "mallory")},
        "logs": {part.name: str(part.log) for part in
                 (stage.envoy, stage.keycloak, stage.nessie, stage.lake.moto)},
        "configuration": str(stage.envoy.folder / "envoy.yaml"),
    }


def show(screen: Screen, run: Path) -> None:
    """Where everything is, and the first things to try."""
    if not _state(run).exists():
        screen.note(f"it is still starting; see {run / 'keeper.log'}")
        return
    state = json.loads(_state(run).read_text())
    properties = "\n".join(f'    "{name}": "{value}",' for name, value in state["properties"].items())
    name, password = ADMIN
    screen.note(f"""\
The gate            {state['gate']}
Keycloak            {state['keycloak']}/admin  ({name} / {password}, realm lake)
Nessie              {state['nessie']}
Envoy's admin       {state['envoy_admin']}
The configuration   {state['configuration']}
The gate's log      {state['logs']['envoy']}
All of this as JSON {_state(run)}

A token of Alice's for the gate (it lives for two minutes; also bob, and mallory, whom Nessie does not know):

TOKEN=$(curl -s {state['token_endpoint']} \\
  -d grant_type=password -d client_id=engine-cli -d 'scope=openid to-icegate' \\
  -d username=alice -d password={state['passwords']['alice']} \\
  | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')

A call through the gate, and what it counted:

curl -s -H "Authorization: Bearer $TOKEN" {state['gate']}/v1/config
curl -s '{state['envoy_admin']}/stats?usedonly&filter=icegate'

PyIceberg, in TOKEN=$TOKEN python3 -m stack.python (it has the packages):

import os
os.environ.update({json.dumps(state['variables'])})
from pyiceberg.catalog import load_catalog
catalog = load_catalog("lake", token=os.environ["TOKEN"], **{{
{properties}
}})
print(catalog.list_namespaces())

`make demo-down` ends it.""")


def _is_kept(run: Path) -> bool:
    """Whether a keeper lives."""
    try:
        with _lock(run).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(run: Path) -> Path:
    return run / "keeper"


def _state(run: Path) -> Path:
    return run / "state.json"
