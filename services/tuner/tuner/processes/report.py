"""What a process leaves for the launcher when it fails: its error, and of which kind it is.

The launchers of several nodes tell each other the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from tuner.errors import RunError
from tuner.processes.errors import LessMemoryNeeded, PeerLost, ProcessKilled
from tuner.reasons import Reason


class Kind(StrEnum):
    """What the launcher makes of an error."""

    CAUSE = "cause"
    CONSEQUENCE = "consequence"
    AGAIN = "again"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class RankReport:
    """`time` is in seconds, on the monotonic clock that the processes of a node share."""

    kind: Kind
    error: RunError
    time: float

    @property
    def raised(self) -> RunError:
        """The error, of the class that says what follows from it."""
        if self.kind is Kind.AGAIN:
            return LessMemoryNeeded(self.error.reason, self.error.message)
        return self.error

    def named(self, name: str) -> "RankReport":
        """The report, whose message names the node that it is of."""
        error = self.error
        message = f"{name}: {error.message}"
        named = RunError(error.reason, message, retryable=error.retryable, data=error.data)
        return replace(self, error=named)


def report_of(error: RunError, now: float) -> RankReport:
    """The report on an `error`; its class says of which kind it is."""
    kind = Kind.CAUSE
    if isinstance(error, PeerLost):
        kind = Kind.CONSEQUENCE
    elif isinstance(error, LessMemoryNeeded):
        kind = Kind.AGAIN
    elif isinstance(error, ProcessKilled):
        kind = Kind.KILLED
    return RankReport(kind, error, now)


def write_report(directory: Path, number: int, error: RunError, now: float) -> None:
    """Leave the `error` of process `number` in `directory`."""
    part = directory / f"{number}.part"
    part.write_text(json.dumps(to_document(report_of(error, now))))
    part.replace(directory / f"{number}.json")


def read_reports(directory: Path) -> Mapping[int, RankReport]:
    """The reports in `directory`, by the number of their process."""
    return {
        int(path.stem): to_report(json.loads(path.read_bytes()))
        for path in directory.glob("*.json")
    }


def to_document(report: RankReport) -> Mapping[str, Any]:
    """The report as JSON."""
    error = report.error
    return {
        "kind": report.kind,
        "time": report.time,
        "reason": error.reason,
        "message": error.message,
        "retryable": error.retryable,
        "data": error.data,
    }


def to_report(document: Mapping[str, Any]) -> RankReport:
    """The report that `to_document` has written."""
    error = RunError(
        Reason(document["reason"]),
        document["message"],
        retryable=document["retryable"],
        data=document["data"],
    )
    return RankReport(Kind(document["kind"]), error, document["time"])
