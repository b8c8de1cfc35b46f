"""Starts, finds and stops background processes.

A process is identified by its id, start time and boot id, so a recycled process id is never
mistaken for it.
"""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.errors import StartFailed
from tools.local_cluster.processes import cgroups, waiting

# The shell joins the control groups before it execs the program, so no child can escape them.
# It prints its process id and then closes the pipe, which ends our wait.
_LAUNCH = """\
log=$1; shift
while [ "$1" != -- ]; do echo $$ > "$1"; shift; done
shift
echo $$
exec "$@" >>"$log" 2>&1 </dev/null
"""


# Addresses that only this machine can reach, so a proxy in the user's environment cannot.
_NO_PROXY: Final = (
    topology.NODE_RANGE,
    topology.POD_RANGE,
    topology.SERVICE_RANGE,
    "127.0.0.1",
    "localhost",
    ".svc",
    f".{topology.CLUSTER_DOMAIN}",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Distinguishes a process from every other that ever ran on this machine."""

    pid: int
    started: int
    boot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A program to run in the background, in a control group and optionally a network namespace."""

    name: str
    argv: Sequence[str]
    log: Path
    pidfile: Path
    group: str
    netns: str | None = None


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None if it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The program's name is in parentheses and may itself contain spaces and parentheses.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identify(pid: int) -> Identity | None:
    started = start_time(pid)
    return None if started is None else Identity(pid, started, boot_id())


def find_running(pidfile: Path) -> Identity | None:
    """The process that the file names, if it is still running."""
    try:
        identity = Identity(**json.loads(pidfile.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return identity if is_running(identity) else None


def is_running(identity: Identity) -> bool:
    return identify(identity.pid) == identity


def start(daemon: Daemon) -> Identity:
    """Start the program unless it is already running.

    Raises:
        StartFailed: it ended immediately.
    """
    if running := find_running(daemon.pidfile):
        return running
    for folder in (daemon.log.parent, daemon.pidfile.parent):
        folder.mkdir(parents=True, exist_ok=True)
    enter = ["nsenter", f"--net=/run/netns/{daemon.netns}"] if daemon.netns else []
    groups = [str(path) for path in cgroups.procs_files(daemon.group)]
    launch = ["setsid", "--fork", "sh", "-c", _LAUNCH, "sh", str(daemon.log), *groups, "--"]
    argv, environ = [*launch, *enter, *daemon.argv], environment(os.environ)
    printed = subprocess.run(argv, stdout=PIPE, env=environ, text=True, check=True).stdout
    identity = identify(int(printed)) if printed.strip() else None
    if identity is None:
        raise StartFailed(f"{daemon.name} ended immediately:\n{tail(daemon.log)}")
    daemon.pidfile.write_text(json.dumps(asdict(identity)))
    return identity


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, with the cluster's own addresses excluded from any proxy."""
    configured = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    direct = ",".join([*filter(None, [configured]), *_NO_PROXY])
    return {**environ, "NO_PROXY": direct, "no_proxy": direct}


def stop(pidfile: Path, grace: float = 5.0) -> None:
    """Stop the process that the file names: SIGTERM, then SIGKILL after `grace` seconds."""
    identity = find_running(pidfile)
    if identity is not None:
        _signal(identity, signal.SIGTERM)
        if not waiting.until(lambda: not is_running(identity), grace):
            _signal(identity, signal.SIGKILL)
            waiting.until(lambda: not is_running(identity), grace)
    pidfile.unlink(missing_ok=True)


def _signal(identity: Identity, number: signal.Signals) -> None:
    if is_running(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or a note that there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return f"(no log at {log})"
