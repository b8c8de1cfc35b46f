"""The informer where a kind is missing: it says so, and waits for it without asking."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kaito_kube.errors import ClusterError, Forbidden
from kaito_kube.fake import FakeCluster
from kaito_kube.informer import Interest, inform
from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, MACHINE, Key, Kind
from kaito_kube.store import Store

pytestmark = pytest.mark.looptime

DEFINITION = {"metadata": {"name": "machines.karpenter.sh"}}
MACHINES = Interest(MACHINE, optional=True)


@asynccontextmanager
async def informed(cluster: FakeCluster) -> AsyncIterator[Store]:
    store = Store()
    task = asyncio.create_task(inform(cluster, store, MACHINES))
    await asyncio.sleep(1)
    yield store
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_kind_that_comes_is_listed_and_until_then_nothing_is_asked() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    async with informed(cluster) as store:
        told: list[Kind] = []
        store.listen_for_kinds(told.append)
        assert store.is_synced(MACHINE) and not store.is_known(MACHINE)
        asked = len(cluster.calls)
        await asyncio.sleep(600)
        assert len(cluster.calls) == asked
        cluster.missing_kinds.clear()
        cluster.seed(MACHINE, {"metadata": {"name": "m"}})
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, {"metadata": {"name": "others.karpenter.sh"}})
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, DEFINITION)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "m")]
        assert told == [MACHINE] and store.is_known(MACHINE)


async def test_a_kind_that_is_defined_and_not_served_yet_is_asked_for_again() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    cluster.seed(CUSTOM_RESOURCE_DEFINITION, DEFINITION)
    async with informed(cluster) as store:
        assert not store.is_known(MACHINE)
        cluster.missing_kinds.clear()
        await asyncio.sleep(1)
        assert store.is_known(MACHINE)


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_who_may_not_look_for_definitions_asks_for_the_kind_now_and_then(verb: str) -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    refusal: ClusterError = Forbidden("no right")
    cluster.fail_next(verb, refusal, CUSTOM_RESOURCE_DEFINITION)
    async with informed(cluster) as store:
        cluster.missing_kinds.clear()
        await asyncio.sleep(5)
        assert not store.is_known(MACHINE)
        await asyncio.sleep(15)
        assert store.is_known(MACHINE)
