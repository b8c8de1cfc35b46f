"""The memory that this process may still allocate: the machine's, or the cgroup's if it is less."""

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def free_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """The bytes that can still be allocated. `cgroup` is the folder of a version 2 hierarchy."""
    free = _available_bytes(_MEMINFO.read_text())
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - used))


def _available_bytes(meminfo: str) -> int:
    """Free memory, and what the kernel would give up of its caches; see proc(5)."""
    line = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024
