"""What a training took, from its first update to its last."""

import json
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

FILE = "measurement.json"


class Instant(NamedTuple):
    """Seconds by the clock of the processor and by that on the wall."""

    cpu: float
    wall: float


def now() -> Instant:
    return Instant(time.process_time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class Measurement:
    """`peak_memory_bytes` are those of the GPU, or of the process on a CPU."""

    cpu_seconds: float
    wall_seconds: float
    updates: int
    peak_memory_bytes: int

    @classmethod
    def between(
        cls, began: Instant, ended: Instant, updates: int, peak_memory_bytes: int
    ) -> "Measurement":
        return cls(ended.cpu - began.cpu, ended.wall - began.wall, updates, peak_memory_bytes)


def peak_memory_bytes() -> int:
    """The most memory that this process has had so far: of the GPU if it has one."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    # Linux counts in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_measurement(folder: Path, measured: Measurement) -> None:
    (folder / FILE).write_text(json.dumps(asdict(measured)))


def read_measurement(folder: Path) -> Measurement:
    return Measurement(**json.loads((folder / FILE).read_bytes()))
