"""Prices are read once a day; until then, and in an air gap, the recorded ones count."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from kaito_kube.clock import FakeClock
from kaito_kube.kinds import NODE, Manifest
from kaito_kube.store import Store
from kaito_skus.price_sheet import Price
from workspace_controller.prices.current_prices import CurrentPrices, region_of
from workspace_controller.prices.fake import FakePriceList

# Hours pass at once.
pytestmark = pytest.mark.looptime
V100 = "Standard_NC6s_v3"
DAY = 24 * 3600


def node(name: str, region: str | None) -> Manifest:
    labels = {"topology.kubernetes.io/region": region} if region else {}
    return {"metadata": {"name": name, "labels": labels}}


@asynccontextmanager
async def running(
    price_list: FakePriceList | None, *nodes: Manifest
) -> AsyncIterator[tuple[CurrentPrices, Store]]:
    store = Store()
    prices = CurrentPrices(price_list, store, FakeClock(), random.Random(1))
    task = asyncio.create_task(prices.run())
    store.replace_all(NODE, nodes)
    try:
        yield prices, store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def price(prices: CurrentPrices) -> Decimal:
    quote = prices.book().quote(V100)
    assert quote is not None
    return quote.per_hour


async def test_the_list_of_the_nodes_region_is_read_once_a_day() -> None:
    fake = FakePriceList({"westeurope": {V100: Price(3.8)}})
    async with running(fake, node("a", "westeurope")) as (prices, _):
        await prices.wait_until_tried()
        assert price(prices) == Decimal("3.8")
        await asyncio.sleep(DAY - 60)
        assert fake.reads == ["westeurope"]
        fake.by_region["westeurope"] = {V100: Price(4.1)}
        await asyncio.sleep(120)
        assert price(prices) == Decimal("4.1")


async def test_a_list_that_is_away_holds_nothing_up_and_keeps_what_was_read() -> None:
    fake = FakePriceList({"eastus": {V100: Price(3.8)}}, available=False)
    async with running(fake, node("a", "eastus")) as (prices, _):
        await prices.wait_until_tried()
        assert price(prices) == Decimal("3.06")
        fake.available = True
        await asyncio.sleep(60)
        assert price(prices) == Decimal("3.8")
        fake.available = False
        await asyncio.sleep(3 * DAY)
        assert price(prices) == Decimal("3.8")
        # An outage of two days is asked about hourly, not each second.
        assert len(fake.reads) < 120


async def test_a_cluster_whose_nodes_name_no_region_waits_for_one() -> None:
    fake = FakePriceList({"eastus": {V100: Price(3.8)}})
    async with running(fake, node("a", None)) as (prices, store):
        await prices.wait_until_tried()
        assert (price(prices), fake.reads) == (Decimal("3.06"), [])
        store.upsert(NODE, node("b", "eastus"))
        await asyncio.sleep(120)
        assert price(prices) == Decimal("3.8")


async def test_an_air_gap_asks_nobody_and_waits_for_nothing() -> None:
    async with running(None, node("a", "eastus")) as (prices, _):
        await prices.wait_until_tried()
        assert price(prices) == Decimal("3.06")


async def test_the_region_is_that_of_most_nodes() -> None:
    nodes = [node("a", "westus"), node("b", "eastus"), node("c", "eastus"), node("d", None)]
    assert region_of(nodes) == "eastus"
    assert region_of(nodes[:2]) == "eastus"
    assert region_of([]) is None
