"""vCPUs that claims of this process were just granted, and that the usages do not show yet.
Without it ten claims would all take the quota that is left for three. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """`kept` is when the cloud had accepted it: usages that were asked for later count it."""

    demand: Mapping[str, int]
    kept: datetime | None = None


@dataclass(slots=True)
class Ledger:
    """By the claims' names; demand by the names of quotas."""

    _promises: dict[str, Promise] = field(default_factory=dict)

    def promise(self, claim: str, demand: Mapping[str, int]) -> None:
        self._promises[claim] = Promise(demand)

    def keep(self, claim: str, now: datetime) -> None:
        """Its pool is there as of now, if that was not known before."""
        if (promise := self._promises.get(claim)) is not None and promise.kept is None:
            self._promises[claim] = replace(promise, kept=now)

    def release(self, claim: str) -> None:
        self._promises.pop(claim, None)

    def shown(self, asked: datetime) -> None:
        """Usages were asked for at that moment: what was kept before is in them."""
        self._promises = {
            claim: promise
            for claim, promise in self._promises.items()
            if promise.kept is None or promise.kept >= asked
        }

    def promised(self, *, but: str) -> Counter[str]:
        """vCPUs by quota, without those of that claim itself."""
        total: Counter[str] = Counter()
        for claim, promise in self._promises.items():
            if claim != but:
                total.update(promise.demand)
        return total
