"""The emulator as a background process."""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tools.aks_emulator import certificates
from tools.aks_emulator.admin_client import AdminClient, EmulatorError
from tools.aks_emulator.settings import Settings
from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import daemons, waiting
from tools.local_cluster.processes.daemons import Identity

START_TIMEOUT_SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]
CODE = (ROOT / "tools" / "aks_emulator", ROOT / "libs" / "kaito_skus")
_CODE_SUFFIXES = (".py", ".yaml")


def pidfile(home: Path) -> Path:
    return home / "emulator.pid"


def log(home: Path) -> Path:
    return home / "emulator.log"


def up(settings: Settings, options: Sequence[str]) -> bool:
    """Start the emulator and wait until it answers; False if it was already running.

    An emulator that runs older code, or belongs to an earlier cluster, is replaced. Its pools are
    kept if the cluster is the same.

    Raises:
        EmulatorError: there is no cluster, or the emulator did not start; the message ends with
            the last lines of its log.
    """
    fingerprint = f"{code_digest()} {_cluster_uid(settings)}"
    if daemons.find_running(pidfile(settings.home)):
        if _running_fingerprint(settings.home) == fingerprint:
            return False
        down(settings.home)
    files = certificates.ensure(settings.home, settings.hosts)
    identity = _spawn(settings.home, options)
    pidfile(settings.home).write_text(json.dumps(asdict(identity)))
    _fingerprint_file(settings.home).write_text(fingerprint)
    client = AdminClient(settings.url, files.ca)
    # Waiting also ends when the process does, so that a failed start is reported at once.
    waiting.until(
        lambda: client.is_up() or not daemons.is_running(identity),
        START_TIMEOUT_SECONDS,
        interval=0.1,
    )
    if not (client.is_up() and daemons.is_running(identity)):
        tail = daemons.tail(log(settings.home))
        raise EmulatorError(f"the emulator did not start at {settings.url}:\n{tail}")
    return True


def down(home: Path) -> bool:
    """Stop the emulator; False if it was not running. Pools and their nodes stay."""
    was_running = daemons.find_running(pidfile(home)) is not None
    daemons.stop(pidfile(home))
    return was_running


def code_digest(folders: Sequence[Path] = CODE) -> str:
    """A digest of the code and data that the emulator loads when it starts."""
    files = sorted(f for folder in folders for f in folder.rglob("*") if f.suffix in _CODE_SUFFIXES)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _cluster_uid(settings: Settings) -> str:
    if not settings.machines:
        return ""
    try:
        return KubeApi(Paths.from_env(os.environ).pki).cluster_uid()
    except (ClusterError, OSError) as error:
        raise no_cluster(error) from error


def no_cluster(cause: Exception) -> EmulatorError:
    return EmulatorError(
        f"there is no cluster for machines to join ({cause}): bring it up first with "
        "`python -m tools.local_cluster up`, or use --no-machines"
    )


def _fingerprint_file(home: Path) -> Path:
    return home / "emulator.mark"


def _running_fingerprint(home: Path) -> str:
    """The code and cluster of the running emulator; empty if unknown."""
    file = _fingerprint_file(home)
    return file.read_text() if file.exists() else ""


def _spawn(home: Path, options: Sequence[str]) -> Identity:
    path = os.pathsep.join((str(ROOT), str(ROOT / "libs")))
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # A new session, so that the emulator outlives the terminal that started it.
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tools.aks_emulator", "serve", *options],
        {**os.environ, "PYTHONPATH": path},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log(home)), write, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    identity = daemons.identify(pid)
    if identity is None:
        raise EmulatorError(f"the emulator ended immediately:\n{daemons.tail(log(home))}")
    return identity
