"""The emulator as a background process: started once, recognised again, stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tools.aks_emulator import certificates
from tools.aks_emulator.admin_client import AdminClient, EmulatorError
from tools.aks_emulator.settings import Settings
from tools.local_cluster import processes, waiting

START_TIMEOUT = 20.0
ROOT = Path(__file__).resolve().parents[2]


def pidfile(home: Path) -> Path:
    return home / "emulator.pid"


def log(home: Path) -> Path:
    return home / "emulator.log"


def up(settings: Settings, options: Sequence[str]) -> bool:
    """Starts it with these options and waits until it answers; False where it ran already.

    Raises EmulatorError with the end of its log where it doesn't come up.
    """
    if processes.recall(pidfile(settings.home)):
        return False
    files = certificates.ensure(settings.home, settings.hosts)
    process = _spawn(settings.home, options)
    identity = processes.identify(process.pid)
    if identity is not None:
        pidfile(settings.home).write_text(json.dumps(asdict(identity)))
    client = AdminClient(settings.url, files.ca)
    up_or_dead = waiting.until(
        lambda: client.is_up() or process.poll() is not None, START_TIMEOUT, interval=0.1
    )
    if not up_or_dead or process.poll() is not None:
        tail = processes.tail(log(settings.home))
        raise EmulatorError(f"the emulator did not come up at {settings.url}:\n{tail}")
    return True


def down(home: Path) -> bool:
    """Stops it; False where it didn't run. Pools and their nodes stay."""
    was_running = processes.recall(pidfile(home)) is not None
    processes.stop(pidfile(home))
    return was_running


def _spawn(home: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join((str(ROOT), str(ROOT / "libs")))
    with log(home).open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.aks_emulator", "serve", *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
