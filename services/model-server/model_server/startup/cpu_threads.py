"""How many threads compute on a CPU: one per core that this process may use without waiting."""

import os
from collections.abc import Iterable
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_CPUS = Path("/sys/devices/system/cpu")


def choose_threads(
    allowed: Iterable[int] | None = None, *, cgroup: Path = _CGROUP, cpus: Path = _CPUS
) -> int:
    """The cores among the `allowed` logical CPUs, but no more than the cgroup's quota pays for.

    Two threads on one core take turns at its arithmetic, and threads beyond the quota are paused
    while all others wait for them. `cgroup` is the folder of a version 2 hierarchy.
    """
    numbers = os.sched_getaffinity(0) if allowed is None else allowed
    cores = {_siblings(cpus / f"cpu{number}", number) for number in numbers}
    return max(1, min(len(cores), int(_quota(cgroup, unlimited=len(cores)))))


def _siblings(cpu: Path, number: int) -> str:
    """A name that the logical CPUs of one core have in common."""
    try:
        return (cpu / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return f"{number}"


def _quota(cgroup: Path, *, unlimited: float) -> float:
    """The CPUs that the cgroup may use on average."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return unlimited if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return unlimited
