"""What is known of the cloud's agent pools: one listing answers for every claim, and the
answers to single calls since then are laid over it."""

from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner.cloud.pools import Pool, PoolListing


@dataclass(slots=True)
class PoolView:
    """`note` and `note_gone` take the moment at which the answer was asked for."""

    _listed: dict[str, Pool] = field(default_factory=dict)
    _asked: datetime | None = None
    _newer: dict[str, tuple[datetime, Pool | None]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return self._asked is not None

    @property
    def asked(self) -> datetime | None:
        """When the newest whole listing was asked for."""
        return self._asked

    def get(self, name: str) -> Pool | None:
        newer = self._newer.get(name)
        return newer[1] if newer is not None else self._listed.get(name)

    def all(self) -> list[Pool]:
        names = {*self._listed, *self._newer}
        return [pool for name in sorted(names) if (pool := self.get(name)) is not None]

    def note(self, pool: Pool, asked: datetime) -> None:
        self._newer[pool.name] = (asked, pool)

    def note_gone(self, name: str, asked: datetime) -> None:
        self._newer[name] = (asked, None)

    def take(self, listing: PoolListing) -> set[str]:
        """Lays a whole listing down; returns the names whose pool changed by it."""
        before = {pool.name: pool for pool in self.all()}
        self._listed = {pool.name: pool for pool in listing.pools}
        self._asked = listing.asked
        self._newer = {n: (at, p) for n, (at, p) in self._newer.items() if at >= listing.asked}
        after = {pool.name: pool for pool in self.all()}
        return {name for name in {*before, *after} if before.get(name) != after.get(name)}
