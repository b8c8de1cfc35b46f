"""The real controller over a FakeCluster: watches, leadership, and a replica that takes over."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from kaito_api.labels import WORKSPACE as WORKSPACE_LABEL
from kaito_api.labels import WORKSPACE_NAMESPACE
from kaito_kube import kinds
from kaito_kube.clock import SteadyClock
from kaito_kube.errors import ClusterError, Expired, Forbidden, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import Key
from kaito_kube.leader_election import LeaseConfig, run_as_leader
from kaito_kube.store import Store
from tests.workspace_controller.given import NAMESPACE, RELEASE, inference_workspace, settings
from tests.workspace_controller.world import World
from workspace_controller.__main__ import Process, build, run_until
from workspace_controller.controller import WATCH_SOURCES

pytestmark = pytest.mark.looptime


@dataclass
class Running:
    """A replica in which an informer watches Workspaces, because kopf needs an API server."""

    cluster: FakeCluster
    name: str
    process: Process = field(init=False)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = settings(pod_name=self.name, backends_config_map="backends")
        self.process = build(given, self.cluster, SteadyClock(), random.Random())

    def start(self) -> None:
        lease = LeaseConfig(
            name="lease", namespace=RELEASE, identity=self.name, lease_duration_seconds=15
        )
        process = self.process
        for part in (
            run_informer(self.cluster, process.store, WatchSource(kinds.WORKSPACE)),
            process.controller.run_informers(process.feeds),
            run_as_leader(self.cluster, process.clock, lease, process.lead, process.leadership),
        ):
            self.tasks.append(asyncio.create_task(part))

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def is_leader(self) -> bool:
        return bool(self.process.metrics.leading._value.get() == 1)


@asynccontextmanager
async def replicas(cluster: FakeCluster, *names: str) -> AsyncIterator[list[Running]]:
    replicas = [Running(cluster, name) for name in names]
    try:
        for replica in replicas:
            replica.start()
        yield replicas
    finally:
        for replica in replicas:
            await replica.kill()


async def eventually(world: World, holds: Callable[[], bool], within: float = 300.0) -> None:
    for _ in range(int(within)):
        if holds():
            return
        world.step()
        await asyncio.sleep(1)
    raise AssertionError("the condition never held")


def state(cluster: FakeCluster, name: str = "ws") -> str:
    found = cluster.peek(kinds.WORKSPACE, name, NAMESPACE) or {}
    return str((found.get("status") or {}).get("state"))


async def test_a_workspace_becomes_ready_by_events_alone() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one"):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await eventually(world, lambda: state(cluster) == "Ready")
        await asyncio.sleep(2)
        backends = cluster.peek(kinds.CONFIG_MAP, "backends", RELEASE)
        assert backends is not None and "ws.team.svc" in backends["data"]["backends.yaml"]


async def test_only_the_leader_acts_and_a_standby_takes_over() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one", "two") as (one, two):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await eventually(world, lambda: bool(cluster.objects(kinds.MACHINE)))
        assert one.is_leader is not two.is_leader
        first, second = (one, two) if one.is_leader else (two, one)
        assert second.process.readiness_problem() is None
        await first.kill()
        cluster.seed(kinds.WORKSPACE, inference_workspace("later"))
        await eventually(world, lambda: state(cluster, "later") == state(cluster) == "Ready")
        assert second.is_leader
        assert len(cluster.objects(kinds.MACHINE)) == 2


async def test_a_leader_whose_lease_ran_out_writes_nothing() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one") as (one,):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await eventually(world, lambda: state(cluster) == "Ready")
        one.process.leadership.end()
        cluster.calls.clear()
        cluster.seed(kinds.WORKSPACE, inference_workspace("later"))
        await asyncio.sleep(3)
    assert {call.verb for call in cluster.calls if call.kind is not kinds.LEASE} <= {"list", "get"}


async def test_an_idle_controller_calls_the_api_server_only_for_its_lease() -> None:
    cluster = FakeCluster()
    async with replicas(cluster, "one"):
        world = World(cluster)
        cluster.seed(kinds.WORKSPACE, inference_workspace())
        await eventually(world, lambda: state(cluster) == "Ready")
        await asyncio.sleep(5)
        cluster.calls.clear()
        await asyncio.sleep(120)
        assert {call.kind.kind for call in cluster.calls} == {"Lease"}


async def test_a_new_leader_catches_up_with_changes_made_while_nobody_led() -> None:
    cluster = FakeCluster()
    cluster.seed(kinds.WORKSPACE, inference_workspace())
    world = World(cluster)
    async with replicas(cluster, "one"):
        await eventually(world, lambda: state(cluster) == "Ready")
    await cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    async with replicas(cluster, "two"):
        await eventually(world, lambda: not cluster.objects(kinds.MACHINE))
        assert cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_an_expired_watch_starts_again() -> None:
    cluster = FakeCluster()
    cluster.fail_next("watch", Expired("too old"), kinds.MACHINE)
    cluster.seed(kinds.WORKSPACE, inference_workspace())
    async with replicas(cluster, "one"):
        await eventually(World(cluster), lambda: state(cluster) == "Ready")


def test_children_are_watched_by_label_and_claims_are_optional() -> None:
    claims = {source.kind.kind for source in WATCH_SOURCES if source.kind.group == "karpenter.sh"}
    assert claims == {"Machine", "NodeClaim", "NodePool"}
    assert all(
        source.labels == {"kaito.sh/workspace": None}
        for source in WATCH_SOURCES
        if source.kind not in (kinds.NODE, kinds.NAMESPACE, kinds.INFERENCE_SET)
    )
    crds = ("karpenter.sh", "kaito.sh")
    assert all(source.optional is (source.kind.group in crds) for source in WATCH_SOURCES)


async def _end(error: Exception | None = None) -> None:
    await asyncio.sleep(1)
    if error is not None:
        raise error


async def _run_forever() -> None:
    await asyncio.Event().wait()


async def test_a_stopped_process_exits_with_zero() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(1, stop.set)
    assert await run_until(stop, {"work": _run_forever()}) == 0


@pytest.mark.parametrize("error", [None, RuntimeError("lost")], ids=["ended", "failed"])
async def test_a_process_exits_with_one_when_a_part_ends(error: Exception | None) -> None:
    assert await run_until(asyncio.Event(), {"work": _end(error), "other": _run_forever()}) == 1


def test_metrics_count_workspaces_and_claims() -> None:
    from prometheus_client import generate_latest

    process = build(settings(), FakeCluster(), SteadyClock(), random.Random())
    store: Store = process.store
    given = inference_workspace()
    store.upsert(kinds.WORKSPACE, {**given, "status": {"state": "Ready"}})
    store.upsert(kinds.MACHINE, {"metadata": {"name": "ws1"}})
    text = generate_latest(process.registry).decode()
    assert 'kaito_workspace_count{phase="Ready"} 1.0' in text
    assert 'kaito_workspace_claims{kind="Machine",ready="false"} 1.0' in text
    assert "kaito_workspace_reconcile_errors_total 0.0" in text


@pytest.mark.parametrize(
    "refusal",
    [Forbidden("Unauthorized"), Forbidden("cannot list resource"), Unavailable("no response")],
    ids=["401", "403", "refused"],
)
async def test_every_feed_hears_again_after_two_hours(refusal: ClusterError) -> None:
    down = False

    def refuse(call: Call) -> None:
        if down:
            raise refusal

    cluster = FakeCluster(hook=refuse, watch_seconds=240)
    process = build(settings(), cluster, SteadyClock(), random.Random())
    watching = asyncio.create_task(process.controller.run_informers(process.feeds))
    await asyncio.sleep(1000)
    assert process.readiness_problem() is None and process.feeds.problem() is None
    down = True
    await asyncio.sleep(2 * 3600)
    problem = process.feeds.problem()
    assert problem is not None and problem == process.readiness_problem()
    assert all(f"{source.kind.plural}: neither" in problem for source in WATCH_SOURCES)
    down = False
    labels = {WORKSPACE_LABEL: "ws", WORKSPACE_NAMESPACE: NAMESPACE}
    for source in WATCH_SOURCES:
        cluster.seed(source.kind, {"metadata": {"name": "later", "labels": labels}})
    await asyncio.sleep(40)
    assert all(process.store.get(source.kind, Key("", "later")) for source in WATCH_SOURCES)
    assert process.readiness_problem() is None and process.feeds.problem() is None
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
