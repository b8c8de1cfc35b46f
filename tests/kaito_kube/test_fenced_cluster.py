"""Through a fence only a leader changes anything; whoever likes may look."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import getmembers, isfunction

import pytest

from kaito_kube.clock import SystemClock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, NotLeader, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.kinds import LEASE, POD, Kind, Manifest
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader

pytestmark = pytest.mark.looptime

TERMS = LeaseConfig(name="lease", namespace="kaito", identity="one")
POD_1: Manifest = {"metadata": {"name": "a", "namespace": "team"}}
CHANGED: Manifest = {"metadata": {**POD_1["metadata"], "labels": {"app": "phi"}}}

Ask = Callable[[FencedCluster], Awaitable[object]]
CHANGES: dict[str, Ask] = {
    "create": lambda c: c.create(POD, {"metadata": {"name": "b", "namespace": "team"}}),
    "apply": lambda c: c.apply(POD, CHANGED),
    "patch": lambda c: c.patch(POD, "a", CHANGED, namespace="team"),
    "patch status": lambda c: c.patch(
        POD, "a", {"status": {"phase": "Failed"}}, namespace="team", subresource="status"
    ),
    "delete": lambda c: c.delete(POD, "a", "team", grace_seconds=5),
    "evict": lambda c: c.evict("a", "team"),
}
READS: dict[str, Ask] = {
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


def test_every_call_is_known_to_be_a_read_or_a_change() -> None:
    calls = {name for name, _ in getmembers(Cluster, isfunction) if not name.startswith("_")}
    assert calls == {name.split()[0] for name in (*CHANGES, *READS)}


@pytest.mark.parametrize("verb", CHANGES)
async def test_a_leader_changes_what_it_likes(verb: str) -> None:
    cluster, fence = fenced(leading(10))
    before = cluster.version
    await asyncio.sleep(9)
    await CHANGES[verb](fence)
    assert [call.verb for call in cluster.calls] == [verb]
    assert cluster.version > before


@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize("seconds", [0, 10], ids=["never led", "led once"])
async def test_whoever_does_not_lead_changes_nothing(verb: str, seconds: int) -> None:
    cluster, fence = fenced(leading(seconds) if seconds else Leadership())
    before = cluster.version
    await asyncio.sleep(seconds)
    with pytest.raises(NotLeader):
        await CHANGES[verb](fence)
    assert (cluster.calls, cluster.version) == ([], before)


@pytest.mark.parametrize("verb", READS)
async def test_whoever_does_not_lead_may_look(verb: str) -> None:
    cluster, fence = fenced(Leadership())
    assert await READS[verb](fence)
    assert [call.verb for call in cluster.calls] == [verb]


async def test_what_is_asked_arrives_whole() -> None:
    cluster, fence = fenced(leading(10))
    await CHANGES["patch status"](fence)
    await CHANGES["delete"](fence)
    changed, deleted = cluster.calls
    assert changed == Call("patch status", POD, changed.key, {"status": {"phase": "Failed"}})
    assert (changed.key.namespace, changed.key.name) == ("team", "a")
    assert deleted == Call("delete", POD, changed.key, {"gracePeriodSeconds": 5})


async def test_a_refusal_of_the_servers_is_the_servers() -> None:
    cluster, fence = fenced(leading(10))
    cluster.fail_next("evict", NotFound("it is gone"))
    with pytest.raises(NotFound, match="it is gone"):
        await fence.evict("a", "team")


async def test_a_lease_that_is_renewed_opens_the_fence_again_and_its_end_shuts_it() -> None:
    leadership = leading(10)
    _, fence = fenced(leadership)
    leadership.extend(asyncio.get_running_loop().time() + 30)
    await asyncio.sleep(20)
    await CHANGES["patch"](fence)
    leadership.end()
    with pytest.raises(NotLeader):
        await CHANGES["apply"](fence)


class Slow(FakeCluster):
    """Takes a minute over what is created, and says when it was left alone with it."""

    left: float | None = None

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        if kind is LEASE:
            return await super().create(kind, manifest)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.left = asyncio.get_running_loop().time()
            raise
        return manifest


async def test_what_is_under_way_when_leadership_is_lost_has_its_answer_and_no_successor() -> None:
    leadership = leading(30)
    fence = FencedCluster(Slow(), leadership)
    assert await fence.create(POD, POD_1) == POD_1
    with pytest.raises(NotLeader):
        await fence.create(POD, POD_1)


def cut_off(cluster: FakeCluster) -> None:
    """From now on nothing of the Lease can be read or written."""

    def refuse(call: Call) -> None:
        if call.kind is LEASE:
            raise Unavailable("no answer")

    cluster.hook = refuse


async def test_who_cannot_renew_lets_go_of_what_is_under_way_before_another_may_lead() -> None:
    cluster, leadership, loop = Slow(), Leadership(), asyncio.get_running_loop()
    fence = FencedCluster(cluster, leadership)

    async def work() -> None:
        await fence.create(POD, POD_1)

    began = loop.time()
    leader = asyncio.create_task(run_as_leader(cluster, SystemClock(), TERMS, work, leadership))
    await asyncio.sleep(0.1)
    cut_off(cluster)
    await leader
    assert cluster.left is not None and 0 < cluster.left - began < TERMS.lease_duration_seconds
    with pytest.raises(NotLeader):
        await fence.evict("a", "team")
