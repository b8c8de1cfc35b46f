"""The informer where a kind is missing: it says so, and waits for it without asking."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from kaito_kube.cluster import WatchEvent
from kaito_kube.errors import ClusterError, Expired, Forbidden, Unavailable
from kaito_kube.fake import FakeCluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, MACHINE, Key, Kind, Manifest
from kaito_kube.store import Store

pytestmark = pytest.mark.looptime

DEFINED = Key("", "machines.karpenter.sh")
OTHER = {"metadata": {"name": "others.karpenter.sh"}}
MACHINES = WatchSource(MACHINE, optional=True)


def definition(**served: bool) -> Manifest:
    """Of Machines, in these versions."""
    versions = [{"name": name, "served": is_served} for name, is_served in served.items()]
    return {"metadata": {"name": "machines.karpenter.sh"}, "spec": {"versions": versions}}


DEFINITION = definition(v1alpha5=True)


@asynccontextmanager
async def informed(cluster: FakeCluster) -> AsyncIterator[Store]:
    store = Store()
    task = asyncio.create_task(run_informer(cluster, store, MACHINES))
    await asyncio.sleep(1)
    yield store
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_kind_that_comes_is_listed_and_until_then_nothing_is_asked() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    async with informed(cluster) as store:
        told: list[Kind] = []
        store.add_kind_listener(told.append)
        assert store.is_synced(MACHINE) and not store.is_kind_served(MACHINE)
        asked = len(cluster.calls)
        await asyncio.sleep(600)
        assert len(cluster.calls) == asked
        cluster.missing_kinds.clear()
        cluster.seed(MACHINE, {"metadata": {"name": "m"}})
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, OTHER)
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, DEFINITION)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "m")]
        assert told == [MACHINE] and store.is_kind_served(MACHINE)


async def test_a_kind_that_is_defined_and_not_served_yet_is_asked_for_again() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    cluster.seed(CUSTOM_RESOURCE_DEFINITION, DEFINITION)
    async with informed(cluster) as store:
        assert not store.is_kind_served(MACHINE)
        cluster.missing_kinds.clear()
        await asyncio.sleep(1)
        assert store.is_kind_served(MACHINE)


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_who_may_not_look_for_definitions_asks_for_the_kind_now_and_then(verb: str) -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    refusal: ClusterError = Forbidden("no right")
    cluster.fail_next(verb, refusal, CUSTOM_RESOURCE_DEFINITION)
    async with informed(cluster) as store:
        cluster.missing_kinds.clear()
        await asyncio.sleep(5)
        assert not store.is_kind_served(MACHINE)
        await asyncio.sleep(15)
        assert store.is_kind_served(MACHINE)


@pytest.mark.parametrize(
    "defined", [definition(v1=True), definition(v1=True, v1alpha5=False)], ids=["lacks it", "ended"]
)
async def test_a_kind_that_is_defined_in_other_versions_is_waited_for_without_asking(
    defined: Manifest,
) -> None:
    """As by a provisioner of another age: it stays so for as long as that runs."""
    cluster = FakeCluster(missing_kinds={MACHINE})
    cluster.seed(CUSTOM_RESOURCE_DEFINITION, defined)
    async with informed(cluster) as store:
        asked = len(cluster.calls)
        cluster.change(CUSTOM_RESOURCE_DEFINITION, DEFINED, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(600)
        assert len(cluster.calls) == asked and not store.is_kind_served(MACHINE)
        cluster.missing_kinds.clear()
        cluster.change(CUSTOM_RESOURCE_DEFINITION, DEFINED, definition(v1=True, v1alpha5=True))
        await asyncio.sleep(1)
        assert store.is_kind_served(MACHINE)


async def test_a_definition_that_goes_is_none_that_comes() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    async with informed(cluster):
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, definition(v1=True))
        await asyncio.sleep(1)
        asked = len(cluster.calls)
        cluster.change(CUSTOM_RESOURCE_DEFINITION, DEFINED, None)
        await asyncio.sleep(60)
        assert len(cluster.calls) == asked


async def test_a_kind_that_goes_takes_its_objects_along_and_may_come_back() -> None:
    """Its watch is ended, and the next question is answered that there is no such kind."""
    cluster, told = Ending(), list[Kind]()
    cluster.seed(MACHINE, {"metadata": {"name": "m"}})
    async with informed(cluster) as store:
        store.add_kind_listener(told.append)
        cluster.missing_kinds.add(MACHINE)
        cluster.end.set()
        await asyncio.sleep(1)
        assert not store.is_kind_served(MACHINE) and store.keys(MACHINE) == []
        cluster.end.clear()
        cluster.missing_kinds.clear()
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, DEFINITION)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "m")]
    assert told == [MACHINE, MACHINE]


class Ending(FakeCluster):
    """Ends the watches of Machines when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.end = asyncio.Event()

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncIterator[WatchEvent]:
        if kind is MACHINE:
            await self.end.wait()
            return
        async for change in super().watch(kind, resource_version, labels):
            yield change


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_an_outage_is_waited_out_and_the_store_keeps_its_last_state(verb: str) -> None:
    cluster = FakeCluster()
    cluster.seed(MACHINE, {"metadata": {"name": "m"}})
    cluster.fail_next(verb, Unavailable("no answer"), MACHINE)
    async with informed(cluster) as store:
        known = [Key("", "m")] if verb == "watch" else []
        assert store.keys(MACHINE) == known and store.is_kind_served(MACHINE)
        await asyncio.sleep(2)
        assert store.keys(MACHINE) == [Key("", "m")]
    assert [call.verb for call in cluster.calls].count("list") == 2


async def test_a_moment_that_is_too_old_is_left_at_once() -> None:
    cluster = FakeCluster()
    cluster.fail_next("watch", Expired("too old"), MACHINE)
    began = asyncio.get_running_loop().time()
    store = Store()
    task = asyncio.create_task(run_informer(cluster, store, MACHINES))
    while len(cluster.calls) < 4:
        await asyncio.sleep(0)
    assert [call.verb for call in cluster.calls] == ["list", "watch", "list", "watch"]
    assert asyncio.get_running_loop().time() - began < 0.1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
