"""Lists the agent pools, often while claims wait for the cloud, and runs garbage collection at the
idle interval."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gpu_provisioner.cloud.errors import CloudError, Throttled
from gpu_provisioner.cloud.pools import PoolListing
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers import poll_interval
from gpu_provisioner.controllers.garbage_collector import GarbageCollector
from gpu_provisioner.state.node_images import NodeImageCache, family
from gpu_provisioner.state.pool_cache import AgentPoolCache
from kaito_kube.clock import Clock
from kaito_kube.errors import ClusterError
from kaito_process.backoff import Backoff
from kaito_process.outage import Outage

logger = logging.getLogger(__name__)

# How long to wait after an error for which the cloud names no time.
RETRY_SECONDS = 4.0
_MAX_RETRY_SECONDS = 120.0


@dataclass
class PoolPoller:
    """`is_busy` returns whether any claim waits for the cloud. `on_change` gets the names of the
    pools that changed, or about which something new is known."""

    cloud: CloudProvider
    pools: AgentPoolCache
    clock: Clock
    garbage_collector: GarbageCollector
    images: NodeImageCache
    is_busy: Callable[[], bool]
    on_change: Callable[[set[str]], None]
    rng: random.Random = field(default_factory=random.Random)
    _triggered: asyncio.Event = field(default_factory=asyncio.Event)
    _busy_since: datetime | None = None

    def trigger(self) -> None:
        """Poll soon: a claim started to wait for the cloud."""
        self._busy_since = self.clock.now()
        self._triggered.set()

    async def run(self) -> None:
        collected_at: datetime | None = None
        loop = asyncio.get_running_loop()
        listing_outage = Outage(logger, "list the agent pools")
        collection_outage = Outage(logger, "collect garbage")
        backoff = Backoff(RETRY_SECONDS, _MAX_RETRY_SECONDS, rng=self.rng)
        while True:
            try:
                listing, now = await self.poll(), self.clock.now()
                idle_seconds = poll_interval.IDLE_SECONDS
                if collected_at is None or (now - collected_at).total_seconds() >= idle_seconds:
                    collected_at = now
                    await self.collect(listing)
                    collection_outage.ended(loop.time())
                busy_since = (self._busy_since or now) if self.is_busy() else None
                pause = poll_interval.interval_seconds(now, busy_since)
                listing_outage.ended(loop.time())
            except Throttled as error:
                pause = error.retry_after_seconds or RETRY_SECONDS
            except CloudError as error:
                listing_outage.failed(error, loop.time())
                pause = error.retry_after_seconds or backoff.next_seconds(loop.time())
            except ClusterError as error:
                # Only the collection needs the claims, and it is tried again at its interval.
                listing_outage.ended(loop.time())
                collection_outage.failed(error, loop.time())
                pause = RETRY_SECONDS
            await self._sleep(pause)

    async def poll(self) -> PoolListing:
        """List the pools once, and report those that changed."""
        listing = await self.cloud.list()
        if changed := self.pools.update(listing):
            self._busy_since = self.clock.now()
            self.on_change(changed)
        return listing

    async def collect(self, listing: PoolListing) -> None:
        """Do what is done at the idle interval: collect garbage and look for new node images."""
        await self.garbage_collector.collect(listing)
        if families := await self.images.refresh(listing.pools):
            self.on_change({pool.name for pool in listing.pools if family(pool.image) in families})

    async def _sleep(self, seconds: float) -> None:
        """Sleep until the time is over or a claim starts to wait, but at least the minimum
        interval, so that many new claims do not become many listings."""
        self._triggered.clear()
        minimum = min(seconds, poll_interval.MIN_SECONDS)
        await asyncio.sleep(minimum)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - minimum):
                await self._triggered.wait()
