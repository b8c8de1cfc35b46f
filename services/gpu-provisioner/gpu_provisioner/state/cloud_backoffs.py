"""Remembers the last error of the cloud about each claim, and how often it came. After a restart
the cloud is simply called again."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.lifecycle.observed import CloudBackoff
from gpu_provisioner.lifecycle.retry_pause import retry_after_seconds
from kaito_api.reasons import Reason


@dataclass(slots=True)
class CloudBackoffs:
    _by_claim: dict[str, CloudBackoff] = field(default_factory=dict)
    _failures: dict[str, Counter[Reason]] = field(default_factory=dict)

    def get(self, claim: str) -> CloudBackoff | None:
        return self._by_claim.get(claim)

    def record(
        self, claim: str, error: CloudError, now: datetime, *, deleting: bool = False
    ) -> float:
        """Remember the error, and return the seconds until the cloud is called again."""
        failures = self._failures.setdefault(claim, Counter())
        failures[error.reason] += 1
        seconds = retry_after_seconds(error, failures[error.reason])
        until = now + timedelta(seconds=seconds)
        self._by_claim[claim] = CloudBackoff(error, now, until, deleting=deleting)
        return seconds

    def forget(self, claim: str) -> None:
        self._by_claim.pop(claim, None)
        self._failures.pop(claim, None)
