"""The informer: outages, stale versions, and kinds that the cluster does not serve (yet)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from kaito_kube.cluster import WatchEvent
from kaito_kube.errors import ClusterError, Expired, Forbidden, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.feeds import Feed, Feeds
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, MACHINE, Key, Kind, Manifest
from kaito_kube.store import Store

pytestmark = pytest.mark.looptime

CRD_KEY = Key("", "machines.karpenter.sh")
OTHER = {"metadata": {"name": "others.karpenter.sh"}}
MACHINES = WatchSource(MACHINE, optional=True)


def crd(**served: bool) -> Manifest:
    """The CRD of Machines with these versions."""
    versions = [{"name": name, "served": is_served} for name, is_served in served.items()]
    return {"metadata": {"name": "machines.karpenter.sh"}, "spec": {"versions": versions}}


MACHINE_CRD = crd(v1alpha5=True)


@asynccontextmanager
async def informed(
    cluster: FakeCluster, settle_seconds: float = 1.0, feed: Feed | None = None
) -> AsyncIterator[Store]:
    store = Store()
    task = asyncio.create_task(run_informer(cluster, store, MACHINES, feed=feed))
    try:
        await asyncio.sleep(settle_seconds)
        yield store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_new_kind_is_listed_and_not_polled_before() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    async with informed(cluster) as store:
        notified: list[Kind] = []
        store.add_kind_listener(notified.append)
        assert store.is_synced(MACHINE) and not store.is_kind_served(MACHINE)
        calls = len(cluster.calls)
        await asyncio.sleep(600)
        assert len(cluster.calls) == calls
        cluster.missing_kinds.clear()
        cluster.seed(MACHINE, {"metadata": {"name": "m"}})
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, OTHER)
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, MACHINE_CRD)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "m")]
        assert notified == [MACHINE] and store.is_kind_served(MACHINE)


async def test_kind_with_a_crd_that_is_not_served_yet_is_listed_again() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    cluster.seed(CUSTOM_RESOURCE_DEFINITION, MACHINE_CRD)
    async with informed(cluster) as store:
        assert not store.is_kind_served(MACHINE)
        cluster.missing_kinds.clear()
        await asyncio.sleep(1)
        assert store.is_kind_served(MACHINE)


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_missing_kind_is_polled_when_crds_cannot_be_watched(verb: str) -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    forbidden: ClusterError = Forbidden("RBAC")
    cluster.fail_next(verb, forbidden, CUSTOM_RESOURCE_DEFINITION)
    async with informed(cluster) as store:
        cluster.missing_kinds.clear()
        await asyncio.sleep(5)
        assert not store.is_kind_served(MACHINE)
        await asyncio.sleep(15)
        assert store.is_kind_served(MACHINE)


@pytest.mark.parametrize(
    "defined",
    [crd(v1=True), crd(v1=True, v1alpha5=False)],
    ids=["without ours", "no longer served"],
)
async def test_kind_served_in_other_versions_is_not_polled(
    defined: Manifest,
) -> None:
    """An older or newer provisioner is installed; that may stay so for long."""
    cluster = FakeCluster(missing_kinds={MACHINE})
    cluster.seed(CUSTOM_RESOURCE_DEFINITION, defined)
    async with informed(cluster) as store:
        calls = len(cluster.calls)
        cluster.change(CUSTOM_RESOURCE_DEFINITION, CRD_KEY, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(600)
        assert len(cluster.calls) == calls and not store.is_kind_served(MACHINE)
        cluster.missing_kinds.clear()
        cluster.change(CUSTOM_RESOURCE_DEFINITION, CRD_KEY, crd(v1=True, v1alpha5=True))
        await asyncio.sleep(1)
        assert store.is_kind_served(MACHINE)


async def test_deleted_crd_does_not_count_as_served() -> None:
    cluster = FakeCluster(missing_kinds={MACHINE})
    async with informed(cluster):
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, crd(v1=True))
        await asyncio.sleep(1)
        calls = len(cluster.calls)
        cluster.change(CUSTOM_RESOURCE_DEFINITION, CRD_KEY, None)
        await asyncio.sleep(60)
        assert len(cluster.calls) == calls


async def test_removed_kind_removes_its_objects_and_may_return() -> None:
    """The API server ends the watch and answers the next list with NotFound."""
    cluster, notified = Ending(), list[Kind]()
    cluster.seed(MACHINE, {"metadata": {"name": "m"}})
    async with informed(cluster) as store:
        store.add_kind_listener(notified.append)
        cluster.missing_kinds.add(MACHINE)
        cluster.end.set()
        await asyncio.sleep(1)
        assert not store.is_kind_served(MACHINE) and store.keys(MACHINE) == []
        cluster.end.clear()
        cluster.missing_kinds.clear()
        cluster.seed(CUSTOM_RESOURCE_DEFINITION, MACHINE_CRD)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "m")]
    assert notified == [MACHINE, MACHINE]


class Ending(FakeCluster):
    """Ends the watches of Machines once `end` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.end = asyncio.Event()

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        if kind is MACHINE:
            self._begin(Call("watch", kind, Key("", "")))
            await self.end.wait()
            return
        async for change in super().watch(kind, resource_version, labels):
            yield change


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_store_keeps_its_last_state_during_an_outage(verb: str) -> None:
    cluster = FakeCluster()
    cluster.seed(MACHINE, {"metadata": {"name": "m"}})
    cluster.fail_next(verb, Unavailable("no response"), MACHINE)
    async with informed(cluster, settle_seconds=0.1) as store:
        known = [Key("", "m")] if verb == "watch" else []
        assert store.keys(MACHINE) == known and store.is_kind_served(MACHINE)
        await asyncio.sleep(2)
        assert store.keys(MACHINE) == [Key("", "m")]
    assert [call.verb for call in cluster.calls].count("list") == 2


async def test_expired_version_is_listed_again_at_once() -> None:
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


async def test_watch_that_the_server_ends_continues_from_the_last_change() -> None:
    cluster = FakeCluster(watch_seconds=240)
    async with informed(cluster) as store:
        cluster.seed(MACHINE, {"metadata": {"name": "m"}})
        await asyncio.sleep(1000)
        cluster.seed(MACHINE, {"metadata": {"name": "n"}})
        cluster.change(MACHINE, Key("", "m"), None)
        await asyncio.sleep(1)
        assert store.keys(MACHINE) == [Key("", "n")]
    assert [call.verb for call in cluster.calls] == ["list", *["watch"] * 5]


async def test_watch_that_ends_at_once_is_not_restarted_in_a_loop() -> None:
    cluster = FakeCluster(watch_seconds=0)
    async with informed(cluster, settle_seconds=60):
        assert len(cluster.calls) <= 20


REFUSALS = {
    "401": Forbidden("Unauthorized"),
    "403": Forbidden("machines.karpenter.sh is forbidden: cannot list resource"),
    "refused": Unavailable("no response: ConnectError refused"),
}


@pytest.mark.parametrize("verbs", [("list",), ("watch",), ("list", "watch")], ids="+".join)
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_feed_hears_again_after_an_outage_however_long(
    refusal: ClusterError, verbs: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    down = True

    def refuse(call: Call) -> None:
        if down and call.verb in verbs:
            raise refusal

    cluster, feeds = FakeCluster(hook=refuse, watch_seconds=240), Feeds()
    async with informed(cluster, feed=feeds.open("machines")) as store:
        await asyncio.sleep(3 * 3600)
        tries = [call.verb for call in cluster.calls].count(verbs[0])
        assert tries < 3 * 3600 / 15
        if "list" in verbs:
            problem = feeds.problem()
            assert problem is not None and str(refusal) in problem
            assert problem.startswith("machines: neither an event nor a fresh watch for 108")
        down = False
        cluster.seed(MACHINE, {"metadata": {"name": "m"}})
        await asyncio.sleep(40)
        assert store.keys(MACHINE) == [Key("", "m")]
        assert feeds.problem() is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert f"cannot watch machines: {refusal}" in caplog.text
    assert "can watch machines again, after 108" in caplog.text


async def test_quiet_feed_is_not_deaf() -> None:
    feeds = Feeds()
    async with informed(FakeCluster(watch_seconds=240), feed=feeds.open("machines")):
        await asyncio.sleep(24 * 3600 + 200)
        assert feeds.problem() is None


async def test_feed_whose_watch_hangs_is_deaf_after_ten_minutes() -> None:
    feeds = Feeds()
    async with informed(FakeCluster(), feed=feeds.open("machines")):
        await asyncio.sleep(590)
        assert feeds.problem() is None
        await asyncio.sleep(20)
        assert feeds.problem() == "machines: neither an event nor a fresh watch for 606 s"


@pytest.mark.parametrize("crds_readable", [True, False])
async def test_kind_that_the_cluster_does_not_serve_is_no_deaf_feed(crds_readable: bool) -> None:
    def refuse(call: Call) -> None:
        if call.kind is CUSTOM_RESOURCE_DEFINITION and not crds_readable:
            raise Forbidden("RBAC")

    feeds = Feeds()
    cluster = FakeCluster(hook=refuse, missing_kinds={MACHINE}, watch_seconds=240)
    async with informed(cluster, feed=feeds.open("machines")):
        await asyncio.sleep(3600)
        assert feeds.problem() is None
