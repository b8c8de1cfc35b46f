"""The share of the host's memory that the KV cache may take."""

from kaito_process.free_memory import free_memory_bytes

# Share of the free memory for the KV cache on a CPU.
_KV_CACHE_SHARE = 0.25


def kv_cache_budget_bytes() -> int:
    """The bytes that the KV cache may take on a CPU."""
    return int(_KV_CACHE_SHARE * free_memory_bytes())
