"""Kubernetes conditions: building, reading and merging them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from kaito_api.reasons import Reason

# The limit of an event's note, where many messages appear too. Longer ones are cut at the end.
# metav1.Condition would allow 32 KiB.
MAX_MESSAGE = 1024


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition without its transition time, which `merge` takes from the existing conditions.

    `reason` is a member of `Reason`, or the text of a reason that another controller reported.
    """

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""

    @property
    def is_true(self) -> bool:
        return self.status is ConditionStatus.TRUE


def true(type_: str, reason: Reason, message: str = "") -> Condition:
    return Condition(type_, ConditionStatus.TRUE, reason, message)


def false(type_: str, reason: Reason, message: str) -> Condition:
    return Condition(type_, ConditionStatus.FALSE, reason, message)


def unknown(type_: str, reason: Reason, message: str) -> Condition:
    return Condition(type_, ConditionStatus.UNKNOWN, reason, message)


def rfc3339(moment: datetime) -> str:
    """The API server's time format, in UTC with seconds: 2026-11-22T13:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Parses RFC 3339, with or without fractions of a second.

    Raises:
        ValueError: the text is in another format, or does not say in which zone.
    """
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found.tzinfo is None:
        # It cannot be compared with any other time.
        raise ValueError(f"{text!r} has no time zone")
    return found


def find(conditions: Iterable[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """The condition of that type from a manifest's list, or None."""
    return next((c for c in conditions if c.get("type") == type_), None)


def from_manifest(condition: Mapping[str, Any]) -> Condition:
    status = ConditionStatus(condition["status"])
    reason, message = condition.get("reason", ""), condition.get("message", "")
    return Condition(condition["type"], status, reason, message)


def is_true(manifest: Mapping[str, Any], type_: str) -> bool:
    """Whether the status of a resource has that condition with status True."""
    found = find(manifest.get("status", {}).get("conditions") or (), type_)
    return found is not None and found.get("status") == ConditionStatus.TRUE


def merge(
    before: Iterable[Mapping[str, Any]],
    desired: Sequence[Condition],
    now: datetime,
    generation: int | None = None,
) -> list[dict[str, Any]]:
    """The `desired` conditions as manifests. An unchanged status keeps its transition time, unless
    that lies ahead: what waits for a time since then would wait for the clock to get there.

    Other conditions are dropped: a status is computed from scratch, never accumulated.
    """
    old = {c.get("type"): c for c in before}
    return [_manifest(c, old.get(c.type), now, generation) for c in desired]


def _manifest(
    condition: Condition, before: Mapping[str, Any] | None, now: datetime, generation: int | None
) -> dict[str, Any]:
    unchanged = before is not None and before.get("status") == condition.status
    since = before.get("lastTransitionTime") if before is not None and unchanged else None
    # Times in UTC sort as texts.
    if since is not None and since > rfc3339(now):
        since = None
    manifest: dict[str, Any] = {
        "type": condition.type,
        "status": condition.status.value,
        "reason": condition.reason,
        "message": condition.message[:MAX_MESSAGE],
        "lastTransitionTime": since or rfc3339(now),
    }
    if generation is not None:
        manifest["observedGeneration"] = generation
    return manifest
