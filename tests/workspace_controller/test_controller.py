"""The real loops over a FakeCluster: feeds, leadership, and a replica that takes over."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from kaito_kube import kinds
from kaito_kube.clock import SystemClock
from kaito_kube.errors import Expired
from kaito_kube.fake import FakeCluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.leader_election import LeaseConfig, run_as_leader
from kaito_kube.store import Store
from tests.workspace_controller.given import NAMESPACE, RELEASE, inference_workspace, settings
from tests.workspace_controller.world import World
from workspace_controller.__main__ import Process, build, until
from workspace_controller.controller import WATCH_SOURCES

pytestmark = pytest.mark.looptime


@dataclass
class Running:
    """A replica without kopf: an informer feeds the Workspaces instead."""

    cluster: FakeCluster
    name: str
    process: Process = field(init=False)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = settings(pod_name=self.name, backends_config_map="backends")
        self.process = build(given, self.cluster, SystemClock(), random.Random())

    def start(self) -> None:
        terms = LeaseConfig(
            name="lease", namespace=RELEASE, identity=self.name, lease_duration_seconds=15
        )
        made = self.process
        for work in (
            run_informer(self.cluster, made.store, WatchSource(kinds.WORKSPACE)),
            made.controller.keep_true(),
            run_as_leader(self.cluster, made.clock, terms, made._act, made.leadership),
        ):
            self.tasks.append(asyncio.create_task(work))

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def leads(self) -> bool:
        return bool(self.process.metrics.leading._value.get() == 1)


@asynccontextmanager
async def replicas(cluster: FakeCluster, *names: str) -> AsyncIterator[list[Running]]:
    made = [Running(cluster, name) for name in names]
    try:
        for replica in made:
            replica.start()
        yield made
    finally:
        for replica in made:
            await replica.kill()


async def becomes(world: World, holds: Callable[[], bool], within: float = 300.0) -> None:
    for _ in range(int(within)):
        if holds():
            return
        world.step()
        await asyncio.sleep(1)
    raise AssertionError("it does not come to pass")


def state(cluster: FakeCluster, name: str = "ws") -> str:
    found = cluster.peek(kinds.WORKSPACE, name, NAMESPACE) or {}
    return str((found.get("status") or {}).get("state"))


async def test_a_workspace_becomes_ready_by_events_alone() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one"):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await becomes(world, lambda: state(cluster) == "Ready")
        await asyncio.sleep(2)
        backends = cluster.peek(kinds.CONFIG_MAP, "backends", RELEASE)
        assert backends is not None and "ws.team.svc" in backends["data"]["backends.yaml"]


async def test_only_one_acts_and_the_other_takes_over() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one", "two") as (one, two):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await becomes(world, lambda: bool(cluster.objects(kinds.MACHINE)))
        assert one.leads is not two.leads
        first, second = (one, two) if one.leads else (two, one)
        assert second.process.not_ready() is None
        await first.kill()
        cluster.seed(kinds.WORKSPACE, inference_workspace("later"))
        await becomes(world, lambda: state(cluster, "later") == state(cluster) == "Ready")
        assert second.leads
        assert len(cluster.objects(kinds.MACHINE)) == 2


async def test_a_leader_that_stood_still_changes_nothing_more() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one") as (one,):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await becomes(world, lambda: state(cluster) == "Ready")
        one.process.leadership.end()
        cluster.calls.clear()
        cluster.seed(kinds.WORKSPACE, inference_workspace("later"))
        await asyncio.sleep(3)
    assert {call.verb for call in cluster.calls if call.kind is not kinds.LEASE} <= {"list", "get"}


async def test_nothing_is_asked_while_nothing_happens() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one"):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await becomes(world, lambda: state(cluster) == "Ready")
        await asyncio.sleep(5)
        cluster.calls.clear()
        await asyncio.sleep(120)
        assert {call.kind.kind for call in cluster.calls} == {"Lease"}


async def test_what_happens_while_nobody_leads_is_caught_up_with() -> None:
    cluster = FakeCluster()
    cluster.seed(kinds.WORKSPACE, inference_workspace())
    world = World(cluster)
    async with replicas(cluster, "one"):
        await becomes(world, lambda: state(cluster) == "Ready")
    await cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    async with replicas(cluster, "two"):
        await becomes(world, lambda: not cluster.objects(kinds.MACHINE))
        assert cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_a_watch_that_is_too_old_is_begun_anew() -> None:
    cluster = FakeCluster()
    cluster.fail_next("watch", Expired("too old"), kinds.MACHINE)
    cluster.seed(kinds.WORKSPACE, inference_workspace())
    async with replicas(cluster, "one"):
        await becomes(World(cluster), lambda: state(cluster) == "Ready")


def test_what_is_watched() -> None:
    claims = {i.kind.kind for i in WATCH_SOURCES if i.kind.group == "karpenter.sh"}
    assert claims == {"Machine", "NodeClaim", "NodePool"}
    assert all(
        i.labels == {"kaito.sh/workspace": None} for i in WATCH_SOURCES if i.kind != kinds.NODE
    )
    assert all(i.optional is (i.kind.group == "karpenter.sh") for i in WATCH_SOURCES)


async def _ends(error: Exception | None = None) -> None:
    await asyncio.sleep(1)
    if error is not None:
        raise error


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_process_that_is_told_to_stop_ends_well() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(1, stop.set)
    assert await until(stop, {"work": _for_ever()}) == 0


@pytest.mark.parametrize("error", [None, RuntimeError("lost")], ids=["ended", "failed"])
async def test_a_process_that_loses_a_part_ends_with_it(error: Exception | None) -> None:
    assert await until(asyncio.Event(), {"work": _ends(error), "other": _for_ever()}) == 1


def test_metrics_count_workspaces_and_claims() -> None:
    from prometheus_client import generate_latest

    made = build(settings(), FakeCluster(), SystemClock(), random.Random())
    store: Store = made.store
    given = inference_workspace()
    store.upsert(kinds.WORKSPACE, {**given, "status": {"state": "Ready"}})
    store.upsert(kinds.MACHINE, {"metadata": {"name": "ws1"}})
    text = generate_latest(made.registry).decode()
    assert 'kaito_workspace_count{phase="Ready"} 1.0' in text
    assert 'kaito_workspace_claims{kind="Machine",ready="false"} 1.0' in text
    assert "kaito_workspace_reconcile_errors_total 0.0" in text
