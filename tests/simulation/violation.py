"""What violates an invariant, and how."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ViolationKind(StrEnum):
    LEAKED = "leaked"
    WRONGLY_DELETED = "wrongly deleted"
    STUCK = "stuck"
    UNDER_LOAD = "scaled down under load"
    FLAPPING = "flapping"


class Reporter(Protocol):
    """Takes what somebody found."""

    def report(self, kind: ViolationKind, about: str, what: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Violation:
    kind: ViolationKind
    about: str
    what: str
