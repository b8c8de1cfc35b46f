"""Remembers how often the marks of each claim's pool were put back. After a restart they are put
back at once again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.mark_repair import PAUSE
from gpu_provisioner.lifecycle.observed import MarkRepair


@dataclass(slots=True)
class MarkRepairs:
    """Keyed by the claim's name."""

    _by_claim: dict[str, MarkRepair] = field(default_factory=dict)

    def get(self, claim: str) -> MarkRepair | None:
        return self._by_claim.get(claim)

    def record(self, claim: str, now: datetime, refusal: str = "") -> None:
        """Remember an attempt, and why the cloud refused it."""
        attempts = self._attempts(claim, now) + 1
        until = now + timedelta(seconds=PAUSE.after(attempts))
        self._by_claim[claim] = MarkRepair(attempts, now, until, refusal)

    def postpone(self, claim: str, now: datetime, seconds: float) -> None:
        """Remember that the cloud has not processed an attempt: it does not count."""
        until = now + timedelta(seconds=seconds)
        self._by_claim[claim] = MarkRepair(self._attempts(claim, now), now, until)

    def _attempts(self, claim: str, now: datetime) -> int:
        before = self._by_claim.get(claim)
        return 0 if before is None else before.attempts_at(now)

    def forget(self, claim: str) -> None:
        self._by_claim.pop(claim, None)
