"""What a process leaves for the launcher when it fails: its error, and of which kind it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tuner.errors import RunError
from tuner.processes.errors import LessMemoryNeeded, PeerLost
from tuner.reasons import Reason


class Kind(StrEnum):
    """What the launcher makes of an error."""

    CAUSE = "cause"
    CONSEQUENCE = "consequence"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class RankReport:
    """`time` is in seconds, on the monotonic clock that the processes of a node share."""

    kind: Kind
    error: RunError
    time: float


def write_report(directory: Path, number: int, error: RunError, now: float) -> None:
    """Leave the `error` of process `number` in `directory`."""
    kind = Kind.CAUSE
    if isinstance(error, PeerLost):
        kind = Kind.CONSEQUENCE
    elif isinstance(error, LessMemoryNeeded):
        kind = Kind.AGAIN
    document = {
        "kind": kind,
        "time": now,
        "reason": error.reason,
        "message": error.message,
        "retryable": error.retryable,
        "data": error.data,
    }
    part = directory / f"{number}.part"
    part.write_text(json.dumps(document))
    part.replace(directory / f"{number}.json")


def read_reports(directory: Path) -> Mapping[int, RankReport]:
    """The reports in `directory`, by the number of their process."""
    return {
        int(path.stem): _parse(json.loads(path.read_bytes())) for path in directory.glob("*.json")
    }


def _parse(document: Mapping[str, Any]) -> RankReport:
    error = RunError(
        Reason(document["reason"]),
        document["message"],
        retryable=document["retryable"],
        data=document["data"],
    )
    return RankReport(Kind(document["kind"]), error, document["time"])
