"""The fence: only the leader writes, everybody may read."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import getmembers, isfunction

import pytest

from kaito_kube.clock import SteadyClock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, NotLeader, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.kinds import LEASE, POD, Kind, Manifest
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader

pytestmark = pytest.mark.looptime

LEASE_CONFIG = LeaseConfig(name="lease", namespace="kaito", identity="one")
POD_1: Manifest = {"metadata": {"name": "a", "namespace": "team"}}
RELABELED: Manifest = {"metadata": {**POD_1["metadata"], "labels": {"app": "phi"}}}

Request = Callable[[FencedCluster], Awaitable[object]]
WRITES: dict[str, Request] = {
    "create": lambda c: c.create(POD, {"metadata": {"name": "b", "namespace": "team"}}),
    "apply": lambda c: c.apply(POD, RELABELED),
    "patch": lambda c: c.patch(POD, "a", RELABELED, namespace="team"),
    "patch status": lambda c: c.patch(
        POD, "a", {"status": {"phase": "Failed"}}, namespace="team", subresource="status"
    ),
    "delete": lambda c: c.delete(POD, "a", "team", grace_seconds=5),
    "evict": lambda c: c.evict("a", "team"),
}
READS: dict[str, Request] = {
    "get": lambda c: c.get(POD, "a", "team"),
    "list": lambda c: c.list(POD, namespace="team", labels=None),
    "watch": lambda c: anext(aiter(c.watch(POD, "0"))),
}


def leading(seconds: float) -> Leadership:
    leadership = Leadership()
    leadership.extend(asyncio.get_running_loop().time() + seconds)
    return leadership


def fenced(leadership: Leadership) -> tuple[FakeCluster, FencedCluster]:
    cluster = FakeCluster()
    cluster.seed(POD, POD_1)
    return cluster, FencedCluster(cluster, leadership)


def test_every_method_is_classified_as_read_or_write() -> None:
    calls = {name for name, _ in getmembers(Cluster, isfunction) if not name.startswith("_")}
    assert calls == {name.split()[0] for name in (*WRITES, *READS)}


@pytest.mark.parametrize("verb", WRITES)
async def test_leader_can_write(verb: str) -> None:
    cluster, fence = fenced(leading(10))
    before = cluster.version
    await asyncio.sleep(9)
    await WRITES[verb](fence)
    assert [call.verb for call in cluster.calls] == [verb]
    assert cluster.version > before


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("seconds", [0, 10], ids=["never led", "led once"])
async def test_non_leader_cannot_write(verb: str, seconds: int) -> None:
    cluster, fence = fenced(leading(seconds) if seconds else Leadership())
    before = cluster.version
    await asyncio.sleep(seconds)
    with pytest.raises(NotLeader):
        await WRITES[verb](fence)
    assert (cluster.calls, cluster.version) == ([], before)


@pytest.mark.parametrize("verb", READS)
async def test_non_leader_can_read(verb: str) -> None:
    cluster, fence = fenced(Leadership())
    assert await READS[verb](fence)
    assert [call.verb for call in cluster.calls] == [verb]


async def test_arguments_are_passed_on_unchanged() -> None:
    cluster, fence = fenced(leading(10))
    await WRITES["patch status"](fence)
    await WRITES["delete"](fence)
    changed, deleted = cluster.calls
    assert changed == Call("patch status", POD, changed.key, {"status": {"phase": "Failed"}})
    assert (changed.key.namespace, changed.key.name) == ("team", "a")
    assert deleted == Call("delete", POD, changed.key, {"gracePeriodSeconds": 5})


async def test_server_errors_are_passed_on() -> None:
    cluster, fence = fenced(leading(10))
    cluster.fail_next("evict", NotFound("not found"))
    with pytest.raises(NotFound, match="not found"):
        await fence.evict("a", "team")


async def test_renewal_keeps_the_fence_open_until_leadership_ends() -> None:
    leadership = leading(10)
    _, fence = fenced(leadership)
    leadership.extend(asyncio.get_running_loop().time() + 30)
    await asyncio.sleep(20)
    await WRITES["patch"](fence)
    leadership.end()
    with pytest.raises(NotLeader):
        await WRITES["apply"](fence)


class Slow(FakeCluster):
    """Takes a minute for a create, and records when that is canceled."""

    canceled_at: float | None = None

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        if kind is LEASE:
            return await super().create(kind, manifest)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.canceled_at = asyncio.get_running_loop().time()
            raise
        return manifest


async def test_request_in_flight_completes_but_no_other_follows_after_leadership_ends() -> None:
    leadership = leading(30)
    fence = FencedCluster(Slow(), leadership)
    assert await fence.create(POD, POD_1) == POD_1
    with pytest.raises(NotLeader):
        await fence.create(POD, POD_1)


def fail_lease_requests(cluster: FakeCluster) -> None:
    """Makes every read and write of the Lease fail from now on."""

    def fail(call: Call) -> None:
        if call.kind is LEASE:
            raise Unavailable("no response")

    cluster.hook = fail


async def test_work_is_canceled_before_another_replica_can_lead() -> None:
    cluster, leadership, loop = Slow(), Leadership(), asyncio.get_running_loop()
    fence = FencedCluster(cluster, leadership)

    async def work() -> None:
        await fence.create(POD, POD_1)

    began = loop.time()
    leader = asyncio.create_task(
        run_as_leader(cluster, SteadyClock(), LEASE_CONFIG, work, leadership)
    )
    await asyncio.sleep(0.1)
    fail_lease_requests(cluster)
    await leader
    assert (
        cluster.canceled_at is not None
        and 0 < cluster.canceled_at - began < LEASE_CONFIG.lease_duration_seconds
    )
    with pytest.raises(NotLeader):
        await fence.evict("a", "team")
