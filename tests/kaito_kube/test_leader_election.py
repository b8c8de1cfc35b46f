"""Leader election: who may take the Lease, how long a renewal counts, and the handover."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from kaito_kube.clock import SteadyClock
from kaito_kube.errors import Conflict, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.kinds import LEASE, Key, Manifest
from kaito_kube.leader_election import (
    Leadership,
    LeaseAction,
    LeaseConfig,
    LeaseObservation,
    decide,
    run_as_leader,
)

pytestmark = pytest.mark.looptime


def lease_config(identity: str = "one") -> LeaseConfig:
    return LeaseConfig(name="lease", namespace="kaito", identity=identity)


def lease(holder: str, **more: object) -> Manifest:
    return {"spec": {"holderIdentity": holder, **more}}


@pytest.mark.parametrize(
    ("seen", "unchanged", "action"),
    [
        (None, 0, LeaseAction.CREATE),
        ({}, 0, LeaseAction.TAKE),
        (lease("one"), 1000, LeaseAction.RENEW),
        (lease(""), 0, LeaseAction.TAKE),
        (lease("two"), 19, LeaseAction.WAIT),
        (lease("two"), 21, LeaseAction.TAKE),
        (lease("two", leaseDurationSeconds=60), 21, LeaseAction.WAIT),
    ],
    ids=[
        "no Lease",
        "never held",
        "own, however old",
        "released",
        "held by another",
        "held by another, run out",
        "held by another, longer duration",
    ],
)
def test_lease_is_taken_only_when_no_other_replica_can_lead(
    seen: Manifest | None, unchanged: float, action: LeaseAction
) -> None:
    assert decide(seen, lease_config(), unchanged) is action


def test_lease_ages_from_its_last_observed_change() -> None:
    observation = LeaseObservation()
    assert observation.seconds(lease("two", renewTime="a"), 100) == 0
    assert observation.seconds(lease("two", renewTime="a"), 115) == 15
    assert observation.seconds(lease("two", renewTime="b"), 119) == 0
    assert observation.seconds(lease("two", renewTime="b"), 140) == 21


@dataclass
class Replica:
    cluster: FakeCluster
    name: str
    ahead: timedelta = timedelta(0)
    leadership: Leadership = field(default_factory=Leadership)
    working: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        self.working = True
        try:
            await self.done.wait()
        finally:
            self.working = False

    async def run(self) -> None:
        await run_as_leader(self.cluster, self, lease_config(self.name), self.work, self.leadership)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@asynccontextmanager
async def running(*replicas: Replica) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    await asyncio.sleep(1)
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def holder(cluster: FakeCluster) -> str:
    found = cluster.peek(LEASE, "lease", "kaito")
    assert found is not None
    return str(found["spec"]["holderIdentity"])


async def test_leader_keeps_leading_while_the_other_replica_waits() -> None:
    cluster = FakeCluster()
    one, two = Replica(cluster, "one"), Replica(cluster, "two")
    async with running(one, two):
        await asyncio.sleep(600)
        assert (one.working, two.working) == (True, False)
        assert one.leadership.is_held() and not two.leadership.is_held()


@pytest.mark.parametrize("hours", [-1, 1])
async def test_clocks_that_differ_by_an_hour_are_harmless(hours: int) -> None:
    cluster = FakeCluster()
    one, two = Replica(cluster, "one"), Replica(cluster, "two", timedelta(hours=hours))
    async with running(one, two) as (first, _):
        await asyncio.sleep(600)
        assert (one.working, two.working) == (True, False) and not first.done()
        cluster.hook = fail_lease_requests
        await asyncio.sleep(lease_config().lease_duration_seconds)
        cluster.hook = None
        await asyncio.sleep(
            lease_config().lease_duration_seconds + lease_config().renew_interval_seconds
        )
        assert first.done() and two.working


@pytest.mark.parametrize("canceled", [True, False], ids=["canceled", "work ended"])
async def test_lease_is_released_at_once_when_the_leader_stops(canceled: bool) -> None:
    cluster = FakeCluster()
    one, two = Replica(cluster, "one"), Replica(cluster, "two")
    async with running(one, two) as (first, _):
        if canceled:
            first.cancel()
        else:
            one.done.set()
        await asyncio.sleep(5)
        assert (one.working, two.working) == (False, True)
        assert not one.leadership.is_held() and holder(cluster) == "two"


async def test_failed_work_is_raised_and_the_lease_released() -> None:
    cluster = FakeCluster()

    async def work() -> None:
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        await run_as_leader(cluster, SteadyClock(), lease_config(), work)
    assert holder(cluster) == ""


async def test_leader_survives_an_outage_shorter_than_the_lease() -> None:
    cluster = FakeCluster()
    one = Replica(cluster, "one")
    async with running(one) as (task,):
        cluster.hook = fail_lease_requests
        await asyncio.sleep(8)
        cluster.hook = None
        await asyncio.sleep(60)
        assert one.working and not task.done()


async def test_longer_outage_ends_leadership_before_the_lease_runs_out() -> None:
    cluster = FakeCluster()
    one = Replica(cluster, "one")
    async with running(one) as (task,):
        cluster.hook = fail_lease_requests
        await asyncio.sleep(lease_config().lease_duration_seconds - 1)
        assert task.done() and not one.working and not one.leadership.is_held()


def fail_lease_requests(call: Call) -> None:
    if call.kind is LEASE:
        raise Unavailable("no response")


async def test_process_does_not_take_a_lost_lease_again() -> None:
    """Another replica may have acted meanwhile, unobserved."""
    cluster = FakeCluster()
    one = Replica(cluster, "one")
    async with running(one) as (task,):
        one.leadership.extend(asyncio.get_running_loop().time() - 1)
        await asyncio.sleep(10)
        assert task.done() and holder(cluster) == ""


async def test_one_of_two_concurrent_candidates_wins() -> None:
    cluster = FakeCluster()
    cluster.seed(LEASE, {"metadata": {"name": "lease", "namespace": "kaito"}, "spec": {}})
    cluster.fail_next("patch", Conflict("it changed"), LEASE)
    one = Replica(cluster, "one")
    async with running(one):
        assert not one.working and not one.leadership.is_held()
        await asyncio.sleep(5)
        assert one.working


async def test_leadership_ends_when_another_replica_holds_the_lease() -> None:
    """For example a replica whose clock is far ahead took the Lease too early."""
    cluster = FakeCluster()
    one = Replica(cluster, "one")
    async with running(one) as (task,):
        now = datetime.now(UTC).isoformat()
        taken = {"spec": {"holderIdentity": "two", "renewTime": now}}
        cluster.change(LEASE, Key("kaito", "lease"), taken)
        await asyncio.sleep(lease_config().renew_interval_seconds + 1)
        assert task.done() and not one.working and not one.leadership.is_held()
        assert holder(cluster) == "two"
