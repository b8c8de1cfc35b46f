"""vCPUs of pools that this process created and that Azure's usages do not count yet. Without them
ten claims would all use the quota that is left for three. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """`confirmed_at` is when the cloud is known to have accepted the pool: usages that are
    requested later count it."""

    required: Mapping[str, int]
    confirmed_at: datetime | None = None


@dataclass(slots=True)
class QuotaReservations:
    """Reservations by the claim's name, each with vCPUs by quota."""

    _reservations: dict[str, Reservation] = field(default_factory=dict)

    def reserve(self, claim: str, required: Mapping[str, int]) -> None:
        self._reservations[claim] = Reservation(required)

    def confirm(self, claim: str, now: datetime) -> None:
        """Record that the claim's pool exists. Only the first time counts."""
        reservation = self._reservations.get(claim)
        if reservation is not None and reservation.confirmed_at is None:
            self._reservations[claim] = replace(reservation, confirmed_at=now)

    def release(self, claim: str) -> None:
        self._reservations.pop(claim, None)

    def drop_counted(self, requested_at: datetime) -> None:
        """Drop the reservations that usages requested at that moment already count."""
        self._reservations = {
            claim: reservation
            for claim, reservation in self._reservations.items()
            if reservation.confirmed_at is None or reservation.confirmed_at >= requested_at
        }

    def reserved(self, *, excluding: str) -> Counter[str]:
        """Return the reserved vCPUs by quota, without those of the excluded claim."""
        total: Counter[str] = Counter()
        for claim, reservation in self._reservations.items():
            if claim != excluding:
                total.update(reservation.required)
        return total
