"""Remembers what choices are made from: what the market last said, what this process was just
granted, and what the cloud refused. The choice itself is pure."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.instance_types import Catalogue, as_sold
from gpu_provisioner.offerings.preflight import Scene, demand
from gpu_provisioner.offerings.quota_reservations import Ledger
from gpu_provisioner.offerings.selection import Choice, Refused, choose
from gpu_provisioner.offerings.unavailable_offerings import KEPT, Offering, Unavailable, offerings
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

# How old what is known of the market may be when a machine is chosen, and how old while it
# cannot be read: then it is taken for nothing.
MARKET_KEPT, _MARKET_LASTS = timedelta(seconds=60), timedelta(minutes=5)
# After a refusal that the market may explain it is read anew, but no more often than this.
_SOONEST = timedelta(seconds=10)
# A market that answers later than this is as good as none: creating goes on without.
_PATIENCE_SECONDS = 10.0
_FAILED = (PoolState.FAILED, PoolState.CANCELED, PoolState.DELETING)


@dataclass
class Buyer:
    """One for the process. `look` before `choose`; then `asks`, and what came of it."""

    cloud: CloudProvider
    clock: Clock
    metrics: Metrics
    catalogue: Catalogue
    _market: Market | None = None
    _read: datetime | None = None
    _due: datetime | None = None
    _trouble: str = ""
    _ledger: Ledger = field(default_factory=Ledger)
    _unavailable: Unavailable = field(default_factory=Unavailable)
    _failed: set[str] = field(default_factory=set)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """Makes sure that what is known of the market is not too old. One reads for all; where
        something is known, the others do not wait for it."""
        if self._market is not None and self._reading.locked():
            return
        async with self._reading:
            now = self.clock.now()
            if self._due is None or now >= self._due:
                await self._look(now)

    def choose(self, claim: Claim) -> Choice:
        now = self.clock.now()
        scene = Scene(
            catalogue=self.catalogue,
            market=self._market,
            due=self._due or now + MARKET_KEPT,
            promised=self._ledger.promised(but=claim.name),
            unavailable=self._unavailable,
            now=now,
        )
        choice = choose(claim, scene)
        if isinstance(choice, Refused):
            self._ledger.release(claim.name)
        return choice

    def asks(self, spec: PoolSpec) -> None:
        """That pool is going to be asked for. No other claim may be let choose before this."""
        self._failed.discard(spec.name)
        found = as_sold(self.catalogue.find(spec.instance_type), self._market)
        self._ledger.promise(spec.name, demand(found, spot=spec.spot))
        self._unavailable.tries(_of(spec), spec.name, self.clock.now())

    def accepted(self, spec: PoolSpec) -> None:
        self._ledger.keep(spec.name, self.clock.now())
        self._unavailable.accepted(_of(spec))

    def refused(self, spec: PoolSpec, error: CloudError) -> bool:
        """Whether another choice may do better: what was refused is not chosen for a while."""
        self._ledger.release(spec.name)
        if error.reason not in KEPT:
            return False
        self._unavailable.refuse(_of(spec), error, self.clock.now(), late=False)
        if error.reason != Reason.INSUFFICIENT_CAPACITY and self._read is not None:
            soonest = self._read + _SOONEST
            self._due = min(self._due or soonest, soonest)
        return True

    def saw(self, pool: Pool, *, joined: bool) -> None:
        """A claim's pool as it is now; `joined`: its machine is a node, whatever is said of it. A
        failure counts from when it was first seen, however long the pool stays."""
        self._ledger.keep(pool.name, self.clock.now())
        if joined or pool.state is PoolState.SUCCEEDED:
            self._unavailable.made(_of(pool))
        elif pool.name in self._failed or pool.state not in _FAILED or pool.error is None:
            return
        elif pool.error.reason in KEPT:
            self._failed.add(pool.name)
            self._unavailable.refuse(_of(pool), pool.error, self.clock.now(), late=True)

    def forget(self, claim: str) -> None:
        """The claim wants no machine any more."""
        self._failed.discard(claim)
        self._ledger.release(claim)

    async def _look(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                market = await self.cloud.market()
        except TimeoutError:
            self._unreadable(Reason.CLOUD_UNAVAILABLE, "no answer in time", None, now)
        except CloudError as error:
            self._unreadable(error.reason, error.message, error.retry_after, now)
        else:
            if self._trouble:
                logger.info("the market can be read again")
            self._market, self._trouble = market, ""
            self._read, self._due = market.asked, market.asked + MARKET_KEPT
            self._ledger.shown(market.asked)

    def _unreadable(self, reason: Reason, message: str, after: float | None, now: datetime) -> None:
        """Forbids nothing: AKS judges what is asked of it."""
        self.metrics.market_unreadable(reason)
        if reason != self._trouble:
            logger.warning("quota and SKUs cannot be read, so that nothing is checked before a "
                        "create: %s. docs/installation.md names the rights that it takes",
                        message)  # fmt: skip
        if self._market is not None and now - self._market.asked > _MARKET_LASTS:
            self._market = None
        self._trouble, self._read = reason, now
        self._due = now + (timedelta(seconds=after) if after else MARKET_KEPT)


def _of(what: PoolSpec | Pool) -> tuple[Offering, ...]:
    return offerings(what.instance_type, what.zones, spot=what.spot)
