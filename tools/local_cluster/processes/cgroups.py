"""The cluster's control groups, in cgroup v1 and v2.

Every process of the cluster, containers included, runs below one group, so all of them can be found
even if every pid file is lost.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.processes import waiting

ROOT = Path("/sys/fs/cgroup")


def is_unified(root: Path = ROOT) -> bool:
    return (root / "cgroup.controllers").exists()


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The root folder of each hierarchy: a single one in v2, one per controller in v1."""
    if is_unified(root):
        return [root]
    mounted = [folder for folder in root.iterdir() if (folder / "cgroup.procs").exists()]
    return sorted({folder.resolve() for folder in mounted})


def create(group: str, root: Path = ROOT) -> None:
    """Create the group in every hierarchy, ready for processes and child groups."""
    for hierarchy in hierarchies(root):
        folder = hierarchy
        for part in Path(group).parts:
            _delegate(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(folder)


def _delegate(folder: Path) -> None:
    """Let child groups use every controller of this one (v2 only)."""
    control = folder / "cgroup.subtree_control"
    if control.exists():
        for controller in (folder / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                control.write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """A new v1 cpuset has no CPUs and no memory, so no process could join it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        setting = folder / name
        is_v1 = (folder / "tasks").exists()
        if is_v1 and setting.exists() and not setting.read_text().strip():
            setting.write_text((folder.parent / name).read_text())


def procs_files(group: str, root: Path = ROOT) -> list[Path]:
    """The files that a process writes its id to in order to join the group."""
    return [hierarchy / group / "cgroup.procs" for hierarchy in hierarchies(root)]


def processes(group: str, root: Path = ROOT) -> set[int]:
    """Every process in the group and below it."""
    found: set[int] = set()
    for folder in folders(group, root):
        with contextlib.suppress(OSError):
            found.update(map(int, (folder / "cgroup.procs").read_text().split()))
    return found


def folders(group: str, root: Path = ROOT) -> Iterator[Path]:
    """The group's folders in every hierarchy, children first."""
    for hierarchy in hierarchies(root):
        for path, _, _ in os.walk(hierarchy / group, topdown=False):
            yield Path(path)


def kill(group: str, timeout: float = 20.0) -> None:
    """Kill every process of the group.

    Raises:
        ClusterError: a process survives SIGKILL for `timeout` seconds.
    """

    def is_empty() -> bool:
        alive = processes(group)
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not alive

    _thaw(group)
    if not waiting.until(is_empty, timeout):
        raise ClusterError(f"processes {sorted(processes(group))} in {group} survive SIGKILL")


def _thaw(group: str) -> None:
    """A frozen v1 process cannot die."""
    for folder in folders(group):
        state = folder / "freezer.state"
        if state.exists():
            with contextlib.suppress(OSError):
                state.write_text("THAWED")


def remove(group: str, timeout: float = 10.0) -> None:
    """Remove the group's folders; the kernel may need a moment after the last process ended.

    Raises:
        ClusterError: a folder still exists after `timeout` seconds.
    """

    def is_gone() -> bool:
        for folder in folders(group):
            with contextlib.suppress(OSError):
                folder.rmdir()
        return not any((hierarchy / group).exists() for hierarchy in hierarchies())

    if not waiting.until(is_gone, timeout):
        raise ClusterError(f"control group {group} cannot be removed")
