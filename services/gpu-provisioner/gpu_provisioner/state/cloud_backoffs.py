"""Remembers the last error of the cloud about each claim. After a restart the cloud is simply
called again."""

from dataclasses import dataclass, field

from gpu_provisioner.lifecycle.observed import CloudBackoff


@dataclass(slots=True)
class CloudBackoffs:
    _by_claim: dict[str, CloudBackoff] = field(default_factory=dict)

    def get(self, claim: str) -> CloudBackoff | None:
        return self._by_claim.get(claim)

    def record(self, claim: str, backoff: CloudBackoff) -> None:
        self._by_claim[claim] = backoff

    def forget(self, claim: str) -> None:
        self._by_claim.pop(claim, None)
