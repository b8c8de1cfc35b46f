"""Garbage collection of what is an orphan, and of what only looks like one."""

from dataclasses import replace

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.cloud.errors import CloudUnavailable, LaunchRefused, Unauthorized
from gpu_provisioner.cloud.pools import Pool, PoolState
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.fake import Call
from kaito_kube.kinds import EVENT, LEASE, MACHINE, NODE, NODE_CLAIM, Key, Kind
from tests.gpu_provisioner.world import NAME, World, claim_manifest

TAGS = {marks.MANAGED_BY: marks.MANAGER, marks.CLAIM_UID: "gone"}
ORPHAN = Pool(name=NAME, state=PoolState.SUCCEEDED, instance_type="Standard_NC6s_v3", tags=TAGS)
LABELS = {labels.CLAIM_UID: "gone"}


@pytest.fixture
def world() -> World:
    return World(leaves_nodes=True)


def is_deleted(world: World) -> bool:
    return ("delete", NAME) in world.cloud.calls


async def past_the_grace(world: World) -> None:
    """Ten minutes, which is enough for two passes a grace period apart."""
    await world.run(120)


async def test_orphan_is_deleted_after_its_grace_period(world: World) -> None:
    world.cloud.seed(ORPHAN)
    await world.run(50)
    assert not is_deleted(world)
    assert world.count("kaito_leaked_pools") == 1
    await past_the_grace(world)
    assert is_deleted(world) and world.cloud.pools() == {}
    assert world.count("kaito_orphans_deleted_total", kind="agent_pool") == 1
    await past_the_grace(world)
    assert world.count("kaito_leaked_pools") == 0


async def test_restart_restarts_the_grace_period(world: World) -> None:
    world.cloud.seed(ORPHAN)
    for _ in range(10):
        await world.run(50)
        world.start()
    assert not is_deleted(world)
    await past_the_grace(world)
    await world.run(60)
    assert is_deleted(world)


@pytest.mark.parametrize(("running", "settled"), [(False, True), (True, False)])
async def test_nothing_is_collected_while_cluster_is_unsteady(
    world: World, running: bool, settled: bool
) -> None:
    world.cloud.seed(ORPHAN)
    steady = world.cloud.state
    world.cloud.state = replace(steady, running=running, settled=settled)
    await world.run(1000)
    world.cloud.state = steady
    await world.run(60)
    assert not is_deleted(world)
    await past_the_grace(world)
    assert is_deleted(world)


@pytest.mark.parametrize("call", ["cluster", "get"])
async def test_unresponsive_cloud_ends_the_collection(world: World, call: str) -> None:
    world.cloud.seed(ORPHAN)
    for _ in range(100):
        world.cloud.fail_next(call, CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer"))
    for _ in range(200):
        try:
            await world.tick()
        except CloudUnavailable:
            continue
    assert not is_deleted(world)


async def test_unreadable_claims_do_not_mean_no_claims(world: World) -> None:
    world.cloud.seed(ORPHAN)
    for _ in range(300):
        world.cluster.fail_next("list", Unavailable("etcd is away"), NODE_CLAIM)
    await world.run(200)
    assert not is_deleted(world)


async def test_missing_kind_does_not_mean_no_claims(world: World) -> None:
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")
    world.cluster.missing_kinds.add(MACHINE)
    await world.run(2)
    listing = await world.cloud.list()
    for _ in range(20):
        await world.refresh.collect(replace(listing, requested_at=world.clock.now()))
        world.clock.advance(120)
    assert not is_deleted(world)


async def test_kind_that_was_never_listed_does_not_mean_no_claims(world: World) -> None:
    """A process that starts while the API of a kind answers 404 has never seen its claims."""
    world.ask()
    await world.run(12)
    world.cluster.missing_kinds.add(MACHINE)
    world.start()
    await collect_for_40_minutes(world)
    assert not is_deleted(world)
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") is not None


async def test_kind_that_the_user_declares_absent_does_not_stop_collection(world: World) -> None:
    world.absent_kinds = frozenset({"machines"})
    world.cluster.missing_kinds.add(MACHINE)
    world.cloud.seed(ORPHAN)
    world.start()
    await collect_for_40_minutes(world)
    assert is_deleted(world)


async def test_kind_that_was_listed_is_not_absent_whatever_the_user_says(world: World) -> None:
    world.absent_kinds = frozenset({"machines"})
    world.start()
    world.ask()
    await world.run(120)
    world.cluster.missing_kinds.add(MACHINE)
    await collect_for_40_minutes(world)
    assert not is_deleted(world)


async def collect_for_40_minutes(world: World) -> None:
    for _ in range(20):
        await world.refresh.collect(await world.cloud.list())
        world.clock.advance(120)


async def test_budgets_of_an_orphan_are_ignored_once_they_have_blocked_its_deletion(
    world: World,
) -> None:
    world.cloud.seed(ORPHAN)
    await world.run(50)
    await past_the_grace(world)
    assert is_deleted(world) and world.cloud.budgets_ignored == set()
    blocked = LaunchRefused(Reason.TERMINATION_BLOCKED, "PodDrainFailure: web-0")
    world.cloud.seed(replace(ORPHAN, state=PoolState.FAILED, error=blocked))
    await past_the_grace(world)
    assert world.cloud.budgets_ignored == {NAME} and world.cloud.pools() == {}


async def test_old_listing_deletes_nothing(world: World) -> None:
    world.cloud.seed(ORPHAN)
    for _ in range(10):
        listing = await world.cloud.list()
        world.clock.advance(120)
        await world.refresh.collect(listing)
    assert not is_deleted(world)


async def test_pool_that_changed_after_listing_is_not_deleted(world: World) -> None:
    world.cloud.seed(ORPHAN)
    listing = await world.cloud.list()
    for _ in range(4):
        await world.refresh.collect(replace(listing, requested_at=world.clock.now()))
        world.clock.advance(120)
        world.cloud.seed(replace(ORPHAN, state=PoolState.UPDATING))
    assert not is_deleted(world)


@pytest.mark.parametrize("tags", [{}, {"kaito-managed-by": "gpu-provisioner"}, {"owner": "us"}])
async def test_pools_without_all_tags_are_never_touched(world: World, tags: dict[str, str]) -> None:
    world.cloud.seed(replace(ORPHAN, tags=tags))
    await world.run(500)
    assert not is_deleted(world)


async def test_pool_of_earlier_claim_is_collected() -> None:
    world = World()
    world.cloud.seed(replace(ORPHAN, labels=LABELS))
    world.ask()
    await world.run(5)
    assert world.condition("Launched") == ("Unknown", "LaunchPending")
    assert "of an earlier claim still exists" in world.message("Launched")
    await past_the_grace(world)
    await world.run(20)
    assert world.condition("Ready") == ("True", "Ready")


async def test_claims_of_two_kinds_do_not_share_a_pool(world: World) -> None:
    world.ask()
    await world.run(12)
    world.cluster.seed(NODE_CLAIM, claim_manifest(NODE_CLAIM))
    await world.run(300)
    assert world.condition("Ready") == ("True", "Ready")
    assert not is_deleted(world)
    pool_owner = world.cluster.peek(NODE_CLAIM, NAME)
    assert pool_owner is not None
    assert f"belongs to Machine {NAME}" in pool_owner["status"]["conditions"][0]["message"]


async def test_dead_node_without_claim_and_pool_is_deleted(world: World) -> None:
    world.cloud.seed(replace(ORPHAN, labels=LABELS))
    world.join(NAME)
    world.cloud._pools.clear()
    await past_the_grace(world)
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") is not None, "it is Ready"
    assert world.events() == ["NodeWithoutPool"]
    assert world.count("kaito_stray_nodes") == 1
    world.set_ready(NAME, "Unknown")
    await past_the_grace(world)
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") is None
    assert world.count("kaito_stray_nodes") == 0


async def test_foreign_nodes_are_never_touched(world: World) -> None:
    world.cloud.seed(ORPHAN)
    world.join(NAME)
    world.cloud._pools.clear()
    world.cluster.change(NODE, Key("", f"aks-{NAME}-0"), {"metadata": {"labels": {"a": "b"}}})
    world.set_ready(NAME, "Unknown")
    await world.run(500)
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") is not None


async def test_idle_interval_costs_one_listing_and_one_cluster_read(world: World) -> None:
    world.ask()
    await world.run(12)
    before = len(world.cloud.calls)
    for _ in range(10):
        world.clock.advance(120)
        await world.refresh.collect(await world.refresh.poll())
    calls = [call for call, _ in world.cloud.calls[before:]]
    assert calls.count("list") == calls.count("cluster") == 10
    assert len(calls) == 20 + calls.count("newest_image")
    assert calls.count("newest_image") == 1


RIGHT = "Microsoft.ContainerService/managedClusters/read"
REFUSED = Unauthorized(Reason.CLOUD_UNAUTHORIZED, f"cannot perform action '{RIGHT}'")


def refuse_cluster(world: World) -> None:
    lease = {"metadata": {"name": "kaito-gpu-provisioner", "namespace": "kaito-system"}}
    world.cluster.seed(LEASE, lease)
    for _ in range(1000):
        world.cloud.fail_next("cluster", REFUSED)


def blocked_events(world: World) -> list[str]:
    events = world.cluster.objects(EVENT)
    return [str(event["note"]) for event in events if event["reason"] == "CollectionBlocked"]


async def test_missing_right_to_read_the_cluster_is_an_event_and_a_metric(world: World) -> None:
    world.cloud.seed(ORPHAN)
    refuse_cluster(world)
    await world.run(1440)
    assert not is_deleted(world)
    (note,) = blocked_events(world)
    assert note.startswith("nothing that looks lost is deleted: the state of the AKS cluster ")
    assert RIGHT in note
    assert world.count("kaito_garbage_collection_blocked_total", cause="cloud") >= 50


async def test_claim_that_looks_lost_names_the_missing_right(world: World) -> None:
    """It promised to go on after 300 seconds, for as long as the right was missing."""
    world.ask()
    await world.run(60)
    refuse_cluster(world)
    world.cloud._pools.pop(NAME)
    await world.run(200)
    message = world.message("Launched")
    assert RIGHT in message and "nothing that looks lost is deleted until it can" in message
    assert "before it has been steady" not in message


@pytest.mark.parametrize("kind", [MACHINE, NODE])
async def test_missing_right_to_list_is_an_event_with_the_servers_words(
    world: World, kind: Kind
) -> None:
    message = f'cannot list resource "{kind.plural}" in API group "{kind.group}"'

    def forbid(call: Call) -> None:
        if call.verb == "list" and call.kind is kind:
            raise Forbidden(message)

    refuse_cluster(world)
    world.cloud.forget_failures()
    world.cluster.hook = forbid
    collector = world.refresh.garbage_collector
    for _ in range(3):
        with pytest.raises(Forbidden):
            await collector.collect(await world.cloud.list())
    (note,) = blocked_events(world)
    assert message in note
    assert world.count("kaito_garbage_collection_blocked_total", cause="cluster") == 3
