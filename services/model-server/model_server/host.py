"""The memory that this process may still take: the machine's, or less where a cgroup says so."""

from pathlib import Path

import psutil

# Of what is free, for the KV cache of a model on a CPU.
_CACHE_SHARE = 0.25
_CGROUP = Path("/sys/fs/cgroup")


def cache_budget() -> int:
    """Bytes for the KV cache on a CPU."""
    return int(_CACHE_SHARE * free_memory(_CGROUP))


def free_memory(cgroup: Path) -> int:
    """Bytes that can still be allocated. `cgroup` is the folder of a version 2 hierarchy."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - used))
