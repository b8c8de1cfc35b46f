"""Keeps the view of the cloud's pools fresh, quickly while something is under way, and has what
nobody asks for swept up."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner.cloud.errors import CloudError, Queued
from gpu_provisioner.cloud.pools import PoolListing
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers import poll_interval
from gpu_provisioner.controllers.garbage_collector import Collector
from gpu_provisioner.state.node_images import ImageWatch, family
from gpu_provisioner.state.pool_cache import PoolView
from kaito_kube.clock import Clock
from kaito_kube.errors import ClusterError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 4.0


@dataclass
class Refresh:
    """`is_busy` says whether any claim waits for the cloud; `changed` gets the names of pools
    that are not as they were, or of which something is known anew."""

    cloud: CloudProvider
    pools: PoolView
    clock: Clock
    collector: Collector
    images: ImageWatch
    is_busy: Callable[[], bool]
    changed: Callable[[set[str]], None]
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
                listing, now = await self.once(), self.clock.now()
                if swept is None or (now - swept).total_seconds() >= poll_interval.IDLE_SECONDS:
                    await self.sweep(listing)
                    swept = now
                pause = poll_interval.pause(now, (self._began or now) if self.is_busy() else None)
            except Queued as error:
                pause = error.retry_after or RETRY_SECONDS
            except CloudError as error:
                logger.warning("the agent pools could not be listed: %s", error.message)
                pause = error.retry_after or RETRY_SECONDS
            except ClusterError as error:
                logger.warning("the claims could not be listed: %s", error)
                pause = RETRY_SECONDS
            await self._sleep(pause)

    async def once(self) -> PoolListing:
        """One listing; whoever it concerns is told."""
        listing = await self.cloud.list()
        if changed := self.pools.take(listing):
            self._began = self.clock.now()
            self.changed(changed)
        return listing

    async def sweep(self, listing: PoolListing) -> None:
        """What is done at the pace of idleness: orphans, and what new machines would be."""
        await self.collector.sweep(listing)
        if families := await self.images.look(listing.pools):
            self.changed({pool.name for pool in listing.pools if family(pool.image) in families})

    async def _sleep(self, seconds: float) -> None:
        """Less where something begins meanwhile, and never so little that a crowd of beginnings
        becomes a crowd of listings."""
        self._hurry.clear()
        least = min(seconds, poll_interval.SHORTEST_SECONDS)
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - least):
                await self._hurry.wait()
