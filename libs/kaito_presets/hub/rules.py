"""The rules for what a model needs beside its weights, as in models/README.md."""

import math

_DISK_BESIDE_WEIGHTS_GIB = 80
_MIN_READINESS_SECONDS, _MAX_READINESS_SECONDS = 1800, 10800


def disk_gib(weights_gib: float) -> int:
    return math.ceil(weights_gib + _DISK_BESIDE_WEIGHTS_GIB)


def readiness_timeout_seconds(weights_gib: float) -> int:
    seconds = math.ceil(900 + 18 * weights_gib)
    return min(max(seconds, _MIN_READINESS_SECONDS), _MAX_READINESS_SECONDS)


def serving_memory_gib(weights_gib: float) -> int:
    """Memory of all GPUs together, as a lower bound: the estimate adds the KV cache."""
    return math.ceil(weights_gib * 1.02 + 2.3)
