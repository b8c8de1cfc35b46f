"""Keeps the view of the cloud's pools fresh, quickly while something is under way, and sweeps
up pools that nobody asks for."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner import polling
from gpu_provisioner.cloud import CloudError, CloudProvider, Queued
from gpu_provisioner.garbage import sweep
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.pool_view import PoolView
from gpu_provisioner.settings import Terms
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError, NotFound
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 4.0


@dataclass
class Refresh:
    """`is_busy` says whether any claim waits for the cloud; `changed` gets the names of pools
    that are not as they were."""

    cloud: CloudProvider
    cluster: Cluster
    pools: PoolView
    clock: Clock
    metrics: Metrics
    terms: Terms
    is_busy: Callable[[], bool]
    changed: Callable[[set[str]], None]
    _suspects: dict[str, datetime] = field(default_factory=dict)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _began: datetime | None = None

    def hurry(self) -> None:
        """Something began: do not sleep through it."""
        self._began = self.clock.now()
        self._hurry.set()

    async def run(self) -> None:
        swept: datetime | None = None
        while True:
            try:
                await self.once()
                now = self.clock.now()
                if swept is None or (now - swept).total_seconds() >= polling.IDLE_SECONDS:
                    await self.sweep()
                    swept = now
                pause = polling.pause(now, (self._began or now) if self.is_busy() else None)
            except Queued as error:
                pause = error.retry_after or RETRY_SECONDS
            except CloudError as error:
                LOG.warning("the agent pools could not be listed: %s", error.message)
                pause = error.retry_after or RETRY_SECONDS
            except ClusterError as error:
                LOG.warning("the claims could not be listed: %s", error)
                pause = RETRY_SECONDS
            await self._sleep(pause)

    async def once(self) -> None:
        """One listing; whoever it concerns is told."""
        if changed := self.pools.take(await self.cloud.list()):
            self._began = self.clock.now()
            self.changed(changed)

    async def sweep(self) -> None:
        """Deletes pools of ours whose claim is gone, by lists that are read for this alone; while
        the cluster is stopped, or on its way there or back, nothing is judged."""
        if not (await self.cloud.cluster()).steady:
            LOG.info("the AKS cluster does not run, or is being started or stopped: no sweep")
            self._suspects = {}
            return
        uids = frozenset([*await self._uids(MACHINE), *await self._uids(NODE_CLAIM)])
        listing = await self.cloud.list()
        found = sweep(
            listing.pools, uids, self._suspects, self.clock.now(), self.terms.orphan_grace
        )
        self._suspects = dict(found.suspects)
        for name in found.delete:
            LOG.warning("agent pool %s has had no claim for %s: deleting", name,
                        self.terms.orphan_grace)  # fmt: skip
            await self.cloud.delete(name)
            self.metrics.collected()

    async def _uids(self, kind: Kind) -> list[str]:
        """Claims by uid; a cluster without the CRD has none, any other error ends the sweep."""
        try:
            listing = await self.cluster.list(kind)
        except NotFound:
            return []
        return [item["metadata"]["uid"] for item in listing.items]

    async def _sleep(self, seconds: float) -> None:
        """Less where something begins meanwhile, and never so little that a crowd of beginnings
        becomes a crowd of listings."""
        self._hurry.clear()
        least = min(seconds, polling.SHORTEST_SECONDS)
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - least):
                await self._hurry.wait()
