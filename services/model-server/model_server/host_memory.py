"""The memory that this process may still allocate: the machine's, or the cgroup's if it is less."""

from pathlib import Path

import psutil

# Share of the free memory for the KV cache on a CPU.
_KV_CACHE_SHARE = 0.25
_CGROUP = Path("/sys/fs/cgroup")


def kv_cache_budget_bytes() -> int:
    """The bytes that the KV cache may take on a CPU."""
    return int(_KV_CACHE_SHARE * free_memory_bytes(_CGROUP))


def free_memory_bytes(cgroup: Path) -> int:
    """The bytes that can still be allocated. `cgroup` is the folder of a version 2 hierarchy."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - used))
