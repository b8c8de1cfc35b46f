"""The lifecycle of a claim over the fake cluster and cloud, with failures on the way."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import CloudUnavailable, LaunchRefused
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.errors import Conflict, NotFound, Throttled, Unavailable
from kaito_kube.fake import Call
from kaito_kube.kinds import EVENT, MACHINE, NODE, POD, key_of
from tests.gpu_provisioner.world import KINDS, NAME, World, claim_manifest, drain_seconds


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def test_claim_becomes_ready(world: World) -> None:
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")
    claim = world.claim()
    assert claim is not None
    assert claim["status"]["nodeName"] == f"aks-{NAME}-0"
    assert claim["status"]["providerID"] == f"azure:///{NAME}"
    assert claim["metadata"]["labels"][labels.INSTANCE_TYPE] == "Standard_NC6s_v3"
    node = world.cluster.peek(NODE, f"aks-{NAME}-0")
    assert node is not None
    assert node["metadata"]["labels"][labels.WORKSPACE] == "phi"
    assert node["metadata"]["labels"][labels.INITIALIZED] == "true"


async def test_claim_becomes_ready_with_five_writes(world: World) -> None:
    world.ask()
    await world.run(12)
    writes = [call.verb for call in world.cluster.calls if call.verb not in ("list", "watch")]
    assert writes == ["patch", "patch status", "patch", "patch status", "patch"]


async def test_labels_of_earlier_machine_are_not_copied_to_node(
    world: World,
) -> None:
    """Otherwise claim and Node would copy each other's labels for ever."""
    world.ask()
    claim = world.claim()
    assert claim is not None
    stale = {labels.INSTANCE_TYPE: "Standard_NC24ads_A100_v4", labels.REGION: "westus"}
    change = {"metadata": {"labels": {**claim["metadata"]["labels"], **stale}}}
    world.cluster.change(world.kind, key_of(claim), change)
    await world.run(12)
    node, claim = world.cluster.peek(NODE, f"aks-{NAME}-0"), world.claim()
    assert node is not None and claim is not None
    for manifest in (node, claim):
        assert manifest["metadata"]["labels"][labels.INSTANCE_TYPE] == "Standard_NC6s_v3"
        assert manifest["metadata"]["labels"][labels.REGION] == "eastus"


async def test_finalizer_is_added_before_first_create(world: World) -> None:
    world.ask()
    await world.run(12)
    verbs = [call.verb for call in world.cluster.calls if call.kind is world.kind]
    assert verbs.index("patch") < verbs.index("patch status")
    assert world.cloud.calls.count(("create", NAME)) == 1


async def test_deletion_removes_pool_node_and_claim(world: World) -> None:
    world.ask()
    await world.run(12)
    await world.cluster.delete(world.kind, NAME)
    await world.run(12)
    assert world.claim() is None
    assert world.cloud.pools() == {}
    assert world.cluster.objects(NODE) == []


async def test_claim_is_never_gone_before_its_pool(world: World) -> None:
    world.ask()
    await world.run(12)
    await world.cluster.delete(world.kind, NAME)
    while world.claim() is not None:
        pools_before = world.cloud.pools()
        await world.run(1)
    assert pools_before == {} or world.cloud.pools() == {}


async def test_claim_deleted_during_create_leaks_nothing(world: World) -> None:
    world.ask()
    await world.run(3)
    assert world.cloud.pools()[NAME].state is PoolState.CREATING
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_create_with_lost_response_is_found(world: World) -> None:
    world.cloud.fail_next(
        "create", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "connection cut"), takes_effect=True
    )
    world.ask()
    await world.run(20)
    assert world.condition("Ready") == ("True", "Ready")
    assert world.cloud.calls.count(("create", NAME)) == 1


async def test_create_with_lost_response_leaks_nothing_when_claim_is_deleted(
    world: World,
) -> None:
    world.ask()
    await world.run(1)
    world.cloud.fail_next(
        "create", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "connection cut"), takes_effect=True
    )
    await world.run(1)
    await world.cluster.delete(world.kind, NAME)
    world.start()
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}


@pytest.mark.parametrize(
    "reason", [Reason.QUOTA_EXCEEDED, Reason.SKU_NOT_AVAILABLE, Reason.INSUFFICIENT_CAPACITY]
)
async def test_refusal_is_shown_and_retried(world: World, reason: Reason) -> None:
    world.cloud.fail_next("create", LaunchRefused(reason, "0 of 6 cores left in eastus"))
    world.ask()
    await world.run(2)
    assert world.condition("Launched") == ("False", reason)
    assert world.condition("Ready") == ("False", reason)
    assert [e["reason"] for e in world.cluster.objects(EVENT)] == [reason]
    await world.run(50)
    assert world.condition("Ready") == ("True", "Ready")


async def test_refusals_cause_no_call_storm(world: World) -> None:
    for _ in range(50):
        world.cloud.fail_next("create", LaunchRefused(Reason.QUOTA_EXCEEDED, "none left"))
    world.ask()
    await world.run(120, seconds=1)
    assert world.cloud.calls.count(("create", NAME)) <= 5


async def test_claim_is_deleted_when_machine_never_joins() -> None:
    world = World(timeouts=Timeouts(registration_timeout=timedelta(minutes=5)), joins=False)
    world.ask()
    await world.run(20)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    await world.run(120)
    assert world.claim() is None and world.cloud.pools() == {}
    assert "RegistrationTimeout" in {e["reason"] for e in world.cluster.objects(EVENT)}


async def test_node_without_its_gpu_is_not_ready() -> None:
    world = World(gpus="0")
    world.ask()
    await world.run(12)
    assert world.condition("Registered") == ("True", "Registered")
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    claim = world.claim()
    assert claim is not None
    assert "advertises 0 of 1 nvidia.com/gpu" in claim["status"]["conditions"][-1]["message"]


async def test_failed_pool_whose_machine_joins_is_kept(world: World) -> None:
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.LAUNCH_FAILED, "internal error")
    world.ask()
    await world.run(9)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    world.join(NAME)
    await world.run(60)
    assert world.condition("Ready") == ("True", "Ready")
    assert ("delete", NAME) not in world.cloud.calls


async def test_permanently_failed_pool_is_replaced(world: World) -> None:
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "no capacity")
    world.ask()
    await world.run(20)
    assert world.condition("Launched") == ("False", "InsufficientCapacity")
    world.cloud.fail_late.clear()
    await world.run(60)
    assert world.condition("Ready") == ("True", "Ready")


async def test_pods_are_drained_before_pool_is_deleted(world: World) -> None:
    world.ask()
    await world.run(12)
    world.pod("a")
    world.cluster.fail_next("evict", Throttled("disruption budget"))
    await world.cluster.delete(world.kind, NAME)
    await world.run(1)
    assert world.cluster.peek(POD, "a", "default") is not None
    assert ("delete", NAME) not in world.cloud.calls
    await world.run(20)
    assert world.cluster.objects(POD) == [] and world.claim() is None


async def test_blocked_drain_ends_at_its_timeout() -> None:
    world = World(timeouts=drain_seconds(30))
    world.ask()
    await world.run(12)
    world.pod("a")
    for _ in range(100):
        world.cluster.fail_next("evict", Throttled("disruption budget"))
    await world.cluster.delete(MACHINE, NAME)
    await world.run(40)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_foreign_pool_is_never_touched(world: World) -> None:
    world.cloud.seed(Pool(name=NAME, state=PoolState.SUCCEEDED, instance_type="Standard_D4s_v5"))
    world.join(NAME)
    world.pod("theirs")
    node = world.cluster.peek(NODE, f"aks-{NAME}-0")
    world.ask()
    await world.run(5)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    await world.cluster.delete(world.kind, NAME)
    await world.run(10)
    assert world.claim() is None
    assert world.cloud.pools()[NAME].state is PoolState.SUCCEEDED
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") == node
    assert world.cluster.peek(POD, "theirs", "default") is not None


async def test_node_of_earlier_claim_does_not_belong_to_claim(world: World) -> None:
    """The Node is being deleted, and an observer may still see it."""
    world.joins = False
    world.ask()
    await world.run(3)
    world.join(NAME)
    node = world.cluster.peek(NODE, f"aks-{NAME}-0")
    assert node is not None
    world.cluster.change(NODE, key_of(node), None)
    before = "2025-12-31T23:59:59Z"
    node["metadata"] |= {"name": "old", "creationTimestamp": before}
    node["metadata"]["labels"][labels.CLAIM_UID] = "earlier"
    node["status"]["conditions"][0]["lastTransitionTime"] = before
    world.cluster.seed(NODE, node)
    await world.run(12)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"requirements": []}, "names no node.kubernetes.io/instance-type"),
        ({"resources": {"requests": {"storage": "5Ti"}}}, "AKS accepts 30 to 2048"),
        ({"resources": {"requests": {"storage": "much"}}}, "not a quantity"),
    ],
    ids=["no instance type", "disk too large", "no quantity"],
)
async def test_impossible_pool_is_reported(changes: dict[str, object], text: str) -> None:
    world = World()
    world.ask(**changes)
    await world.run(4)
    claim = world.claim()
    assert claim is not None
    assert world.condition("Launched") == ("False", "InvalidRequirements")
    assert text in claim["status"]["conditions"][0]["message"]
    assert not any(call == "create" for call, _ in world.cloud.calls)


async def test_claims_of_other_provisioners_are_ignored(world: World) -> None:
    manifest = claim_manifest(world.kind)
    manifest["metadata"]["labels"] = {}
    world.cluster.seed(world.kind, manifest)
    await world.run(5)
    claim = world.claim()
    assert claim is not None and "finalizers" not in claim["metadata"]


async def test_steady_state_writes_nothing(world: World) -> None:
    world.ask()
    await world.run(12)
    before = len([c for c in world.cluster.calls if c.verb.startswith(("patch", "create"))])
    await world.run(20)
    after = len([c for c in world.cluster.calls if c.verb.startswith(("patch", "create"))])
    assert before == after


@pytest.mark.parametrize("error", [Unavailable("gone"), Conflict("changed"), NotFound("?")])
@pytest.mark.parametrize("crash_at", range(1, 16))
async def test_crash_at_any_write_is_harmless(
    world: World, crash_at: int, error: Exception
) -> None:
    """The write fails, and the process restarts with empty caches."""
    writes = 0

    def hook(call: Call) -> None:
        nonlocal writes
        writes += call.verb.startswith(("patch", "create", "delete"))
        if writes == crash_at:
            writes += 1
            world.start()
            raise error

    world.ask()
    world.cluster.hook = hook
    await world.run(20)
    assert world.condition("Ready") == ("True", "Ready")
    world.cluster.hook = None
    await world.cluster.delete(world.kind, NAME)
    world.cluster.hook = hook
    await world.run(30)
    assert world.claim() is None and world.cloud.pools() == {}
