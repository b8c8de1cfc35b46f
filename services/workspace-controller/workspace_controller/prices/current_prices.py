"""The prices of the cluster's region, as they were last read."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable

from kaito_api import labels
from kaito_kube.clock import Clock
from kaito_kube.kinds import NODE, Manifest, labels_of
from kaito_kube.store import Store
from kaito_process.backoff import Backoff
from kaito_process.outage import Outage
from kaito_skus import catalog
from kaito_skus.price_sheet import PriceSheet
from kaito_skus.prices import PriceBook
from kaito_skus.sku import Cloud
from workspace_controller.prices.price_list import PriceList, PriceListAway

logger = logging.getLogger(__name__)

# Azure changes its prices at the first of a month.
_READ_AGAIN_SECONDS = 24 * 3600.0
# Before the first Node has told the region.
_NO_REGION_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 3600.0


class CurrentPrices:
    """Every replica reads for itself, and starts with the recorded prices.

    While the list is away, what was read last counts; its age is part of what a quote says.
    """

    def __init__(
        self, price_list: PriceList | None, store: Store, clock: Clock, rng: random.Random
    ) -> None:
        self._list = price_list
        self._store = store
        self._clock = clock
        self._rng = rng
        self._book = PriceBook()
        self._tried = asyncio.Event()

    def book(self) -> PriceBook:
        return self._book

    async def wait_until_tried(self) -> None:
        """Returns once the list was asked: no pass should decide by recorded prices before."""
        if self._list is not None:
            await self._tried.wait()

    async def run(self) -> None:
        """Reads the list once a day, until it is canceled."""
        if (price_list := self._list) is None:
            await asyncio.Event().wait()
            return
        await self._store.wait_until_synced([NODE])
        loop, outage = asyncio.get_running_loop(), Outage(logger, "read the price list")
        backoff = Backoff(
            first_seconds=_FIRST_PAUSE_SECONDS,
            max_seconds=_LONGEST_PAUSE_SECONDS,
            reset_seconds=2 * _LONGEST_PAUSE_SECONDS,
            rng=self._rng,
        )
        while True:
            pause = _NO_REGION_SECONDS
            if (region := region_of(self._store.all(NODE))) is not None:
                try:
                    await self._read(price_list, region)
                except PriceListAway as error:
                    outage.failed(error, loop.time())
                    pause = backoff.next_seconds(loop.time())
                else:
                    outage.ended(loop.time())
                    pause = _READ_AGAIN_SECONDS
            self._tried.set()
            await asyncio.sleep(pause)

    async def _read(self, price_list: PriceList, region: str) -> None:
        names = [sku.name for sku in catalog.load().on(Cloud.AZURE).skus]
        prices = await price_list.read(region, names)
        self._book = PriceBook(PriceSheet(region, prices, self._clock.now()))
        logger.info("read the prices of %d instance types in %s", len(prices), region)


def region_of(nodes: Iterable[Manifest]) -> str | None:
    """The region of most Nodes: a cluster of AKS is in one. None where no Node names any."""
    regions = Counter(region for node in nodes if (region := labels_of(node).get(labels.REGION)))
    return min(regions, key=lambda each: (-regions[each], each), default=None)
