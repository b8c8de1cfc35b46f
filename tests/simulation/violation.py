"""What violates an invariant, and how."""

from dataclasses import dataclass
from enum import StrEnum


class ViolationKind(StrEnum):
    LEAKED = "leaked"
    WRONGLY_DELETED = "wrongly deleted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Violation:
    kind: ViolationKind
    about: str
    what: str
