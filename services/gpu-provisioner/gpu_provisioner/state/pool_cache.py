"""Caches the cloud's agent pools: one listing answers for every claim, and the responses to later
calls about single pools replace its entries."""

from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner.cloud.pools import Pool, PoolListing


@dataclass(slots=True)
class AgentPoolCache:
    """`record` and `record_gone` get the moment when the response was requested."""

    _listed: dict[str, Pool] = field(default_factory=dict)
    _listed_at: datetime | None = None
    _newer: dict[str, tuple[datetime, Pool | None]] = field(default_factory=dict)

    @property
    def is_synced(self) -> bool:
        return self._listed_at is not None

    @property
    def listed_at(self) -> datetime | None:
        """When the newest complete listing was requested."""
        return self._listed_at

    def get(self, name: str) -> Pool | None:
        newer = self._newer.get(name)
        return newer[1] if newer is not None else self._listed.get(name)

    def all(self) -> list[Pool]:
        names = {*self._listed, *self._newer}
        return [pool for name in sorted(names) if (pool := self.get(name)) is not None]

    def record(self, pool: Pool, requested_at: datetime) -> None:
        self._newer[pool.name] = (requested_at, pool)

    def record_gone(self, name: str, requested_at: datetime) -> None:
        self._newer[name] = (requested_at, None)

    def update(self, listing: PoolListing) -> set[str]:
        """Take over a complete listing, and return the names of the pools that it changed."""
        before = {pool.name: pool for pool in self.all()}
        self._listed = {pool.name: pool for pool in listing.pools}
        self._listed_at = listing.requested_at
        self._newer = {
            name: (at, pool)
            for name, (at, pool) in self._newer.items()
            if at >= listing.requested_at
        }
        after = {pool.name: pool for pool in self.all()}
        return {name for name in {*before, *after} if before.get(name) != after.get(name)}
