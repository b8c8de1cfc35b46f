"""Offerings that the cloud refused of late, for quota, capacity, or because they are not sold.
Pure: it is told the time.

Each is left alone for a while by all claims. Then one claim tries it, and the others wait for
what comes of that: a shortage costs one call in that time, however many claims there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from kaito_api.reasons import Reason

# Karpenter for Azure keeps 3 minutes in general, 10 where quota is low, and an hour for an
# exhausted subscription. Quota is short here: the usages are read as often, and know better.
KEPT = {
    Reason.INSUFFICIENT_CAPACITY: timedelta(minutes=3),
    Reason.SKU_NOT_AVAILABLE: timedelta(minutes=3),
    Reason.QUOTA_EXCEEDED: timedelta(minutes=1),
}


@dataclass(frozen=True, slots=True)
class Offering:
    """A machine type in a zone, or ("") wherever AKS puts it in the region."""

    instance_type: str
    zone: str
    spot: bool


def offerings(instance_type: str, zones: Iterable[str], *, spot: bool) -> tuple[Offering, ...]:
    return tuple(Offering(instance_type.lower(), zone, spot) for zone in tuple(zones) or ("",))


@dataclass(frozen=True, slots=True)
class Refusal:
    """`late`: the operation failed after it had been accepted. `prober` is the claim that tries
    whether it still holds."""

    error: CloudError
    until: datetime
    late: bool = False
    prober: str = ""


@dataclass(slots=True)
class Unavailable:
    _refusals: dict[Offering, Refusal] = field(default_factory=dict)

    def why(self, offering: Offering, claim: str, now: datetime) -> Refusal | None:
        """What keeps that claim from that offering, None where nothing does."""
        found = self._refusals.get(offering)
        if found is None or found.until <= now or found.prober == claim:
            return None
        return found

    def refuse(
        self, refused: Iterable[Offering], error: CloudError, now: datetime, *, late: bool
    ) -> None:
        """Only for the errors of KEPT: others say nothing of the offering."""
        refusal = Refusal(error, now + KEPT[error.reason], late)
        self._refusals |= dict.fromkeys(refused, refusal)

    def tries(self, tried: Iterable[Offering], claim: str, now: datetime) -> None:
        """That claim asks for them; the others wait again for what comes of it."""
        for offering in tried:
            if (found := self._refusals.get(offering)) is not None:
                until = now + KEPT[found.error.reason]
                self._refusals[offering] = replace(found, until=until, prober=claim)

    def accepted(self, taken: Iterable[Offering]) -> None:
        """The cloud began to make it: what it refuses at once is not the case any more."""
        for offering in taken:
            if (found := self._refusals.get(offering)) is not None and not found.late:
                del self._refusals[offering]

    def made(self, done: Iterable[Offering]) -> None:
        """A machine of it is there."""
        for offering in done:
            self._refusals.pop(offering, None)
