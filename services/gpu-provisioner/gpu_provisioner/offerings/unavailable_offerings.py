"""Offerings that the cloud refused recently, for quota, capacity or availability. Pure: every
method gets the time.

No claim uses a refused offering until its time expires. Then one claim probes it while the others
wait for the result: a shortage costs one call in that time, however many claims there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from kaito_api.reasons import Reason

# Karpenter for Azure uses 3 minutes in general, 10 where quota is low, and an hour for an
# exhausted subscription. Quota has a short time here because the usages are read as often, and
# are more reliable.
UNAVAILABLE_TTL = {
    Reason.INSUFFICIENT_CAPACITY: timedelta(minutes=3),
    Reason.SKU_NOT_AVAILABLE: timedelta(minutes=3),
    Reason.QUOTA_EXCEEDED: timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True)
class Offering:
    """An instance type in a zone, as spot or on-demand. An empty zone means that AKS chooses one
    in the region."""

    instance_type: str
    zone: str
    spot: bool


def offerings(instance_type: str, zones: Iterable[str], *, spot: bool) -> tuple[Offering, ...]:
    return tuple(Offering(instance_type.lower(), zone, spot) for zone in tuple(zones) or ("",))


@dataclass(frozen=True, slots=True)
class Refusal:
    """`late` means that the operation failed after it was accepted. `prober` is the claim that
    tries whether the refusal still applies."""

    error: CloudError
    until: datetime
    late: bool = False
    prober: str = ""


@dataclass(slots=True)
class UnavailableOfferings:
    _refusals: dict[Offering, Refusal] = field(default_factory=dict)

    def refusal_for(self, offering: Offering, claim: str, now: datetime) -> Refusal | None:
        """Return the refusal that keeps the claim from using the offering, or None."""
        refusal = self._refusals.get(offering)
        if refusal is None or refusal.until <= now or refusal.prober == claim:
            return None
        return refusal

    def mark_unavailable(
        self, refused: Iterable[Offering], error: CloudError, now: datetime, *, late: bool
    ) -> None:
        """Record a refusal. Its reason must be in UNAVAILABLE_TTL; other errors say nothing
        about the offering."""
        refusal = Refusal(error, now + UNAVAILABLE_TTL[error.reason], late)
        self._refusals |= dict.fromkeys(refused, refusal)

    def mark_probing(self, probed: Iterable[Offering], claim: str, now: datetime) -> None:
        """Record that the claim tries the offerings. The others wait for the result."""
        for offering in probed:
            if (refusal := self._refusals.get(offering)) is not None:
                until = now + UNAVAILABLE_TTL[refusal.error.reason]
                self._refusals[offering] = replace(refusal, until=until, prober=claim)

    def mark_accepted(self, accepted: Iterable[Offering]) -> None:
        """Record that the cloud started to create a machine. That disproves only refusals that
        the cloud gives at once."""
        for offering in accepted:
            if (refusal := self._refusals.get(offering)) is not None and not refusal.late:
                del self._refusals[offering]

    def mark_available(self, available: Iterable[Offering]) -> None:
        """Record that a machine of the offerings exists."""
        for offering in available:
            self._refusals.pop(offering, None)
