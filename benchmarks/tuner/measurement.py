"""What a training took, from its first update to its last."""

import json
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
    cpu_seconds: float
    wall_seconds: float
    updates: int

    @classmethod
    def between(cls, began: Instant, ended: Instant, updates: int) -> "Measurement":
        return cls(ended.cpu - began.cpu, ended.wall - began.wall, updates)


def write_measurement(folder: Path, measured: Measurement) -> None:
    (folder / FILE).write_text(json.dumps(asdict(measured)))


def read_measurement(folder: Path) -> Measurement:
    return Measurement(**json.loads((folder / FILE).read_bytes()))
