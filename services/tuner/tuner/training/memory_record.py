"""Remembers what did not fit, so that a restarted process of the pod does not try it again."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tuner.batching.less_memory import MemoryLimit


def read_limit(path: Path, attempt: str) -> MemoryLimit | None:
    """The limit that `attempt`, a pod and its inputs, has recorded at `path`; None if it has not.

    Another pod may have another device.
    """
    try:
        record = json.loads(path.read_bytes())
        if record["attempt"] != attempt:
            return None
        return MemoryLimit(int(record["micro_batch"]), bool(record["checkpointing"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record_limit(path: Path, attempt: str, limit: MemoryLimit) -> None:
    """Record `limit` for `attempt`. The volume may be full: then the process alone knows it."""
    with suppress(OSError):
        path.write_text(json.dumps({"attempt": attempt, **asdict(limit)}))
