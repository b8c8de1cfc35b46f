"""A claim's whole life over the fake cluster and cloud, with trouble on the way."""

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


async def test_from_claim_to_ready_node(world: World) -> None:
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


async def test_a_claim_is_ready_with_five_writes(world: World) -> None:
    world.ask()
    await world.run(12)
    writes = [call.verb for call in world.cluster.calls if call.verb not in ("list", "watch")]
    assert writes == ["patch", "patch status", "patch", "patch status", "patch"]


async def test_what_the_machine_was_before_is_not_written_to_the_node_it_is_now(
    world: World,
) -> None:
    """Claim and Node would give each other their labels for ever."""
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


async def test_the_finalizer_is_on_before_the_first_create(world: World) -> None:
    world.ask()
    await world.run(12)
    verbs = [call.verb for call in world.cluster.calls if call.kind is world.kind]
    assert verbs.index("patch") < verbs.index("patch status")
    assert world.cloud.calls.count(("create", NAME)) == 1


async def test_deletion_takes_pool_node_and_claim(world: World) -> None:
    world.ask()
    await world.run(12)
    await world.cluster.delete(world.kind, NAME)
    await world.run(12)
    assert world.claim() is None
    assert world.cloud.pools() == {}
    assert world.cluster.objects(NODE) == []


async def test_no_claim_goes_before_its_pool(world: World) -> None:
    world.ask()
    await world.run(12)
    await world.cluster.delete(world.kind, NAME)
    while world.claim() is not None:
        pools_before = world.cloud.pools()
        await world.run(1)
    assert pools_before == {} or world.cloud.pools() == {}


async def test_a_claim_deleted_during_the_create_leaks_nothing(world: World) -> None:
    world.ask()
    await world.run(3)
    assert world.cloud.pools()[NAME].state is PoolState.CREATING
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_a_create_whose_answer_was_lost_is_found_again(world: World) -> None:
    world.cloud.fail_next(
        "create", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "connection cut"), takes_effect=True
    )
    world.ask()
    await world.run(20)
    assert world.condition("Ready") == ("True", "Ready")
    assert world.cloud.calls.count(("create", NAME)) == 1


async def test_a_create_whose_answer_was_lost_as_the_claim_went_leaks_nothing(
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
async def test_a_refusal_is_shown_and_mended_by_itself(world: World, reason: Reason) -> None:
    world.cloud.fail_next("create", LaunchRefused(reason, "0 of 6 cores left in eastus"))
    world.ask()
    await world.run(2)
    assert world.condition("Launched") == ("False", reason)
    assert world.condition("Ready") == ("False", reason)
    assert [e["reason"] for e in world.cluster.objects(EVENT)] == [reason]
    await world.run(50)
    assert world.condition("Ready") == ("True", "Ready")


async def test_a_refusal_is_no_call_storm(world: World) -> None:
    for _ in range(50):
        world.cloud.fail_next("create", LaunchRefused(Reason.QUOTA_EXCEEDED, "none left"))
    world.ask()
    await world.run(120, seconds=1)
    assert world.cloud.calls.count(("create", NAME)) <= 5


async def test_a_machine_that_never_joins_gives_the_claim_up() -> None:
    world = World(timeouts=Timeouts(registration_timeout=timedelta(minutes=5)), joins=False)
    world.ask()
    await world.run(20)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    await world.run(120)
    assert world.claim() is None and world.cloud.pools() == {}
    assert "RegistrationTimeout" in {e["reason"] for e in world.cluster.objects(EVENT)}


async def test_a_node_without_its_gpu_is_not_ready() -> None:
    world = World(gpus="0")
    world.ask()
    await world.run(12)
    assert world.condition("Registered") == ("True", "Registered")
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    claim = world.claim()
    assert claim is not None
    assert "advertises 0 of 1 nvidia.com/gpu" in claim["status"]["conditions"][-1]["message"]


async def test_an_operation_that_failed_and_whose_machine_joins_is_kept(world: World) -> None:
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.LAUNCH_FAILED, "internal error")
    world.ask()
    await world.run(9)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    world.join(NAME)
    await world.run(60)
    assert world.condition("Ready") == ("True", "Ready")
    assert ("delete", NAME) not in world.cloud.calls


async def test_an_operation_that_failed_for_good_is_replaced(world: World) -> None:
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "no capacity")
    world.ask()
    await world.run(20)
    assert world.condition("Launched") == ("False", "InsufficientCapacity")
    world.cloud.fail_late.clear()
    await world.run(60)
    assert world.condition("Ready") == ("True", "Ready")


async def test_pods_are_drained_before_the_pool_goes(world: World) -> None:
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


async def test_a_drain_that_cannot_end_ends_by_its_timeout() -> None:
    world = World(timeouts=drain_seconds(30))
    world.ask()
    await world.run(12)
    world.pod("a")
    for _ in range(100):
        world.cluster.fail_next("evict", Throttled("disruption budget"))
    await world.cluster.delete(MACHINE, NAME)
    await world.run(40)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_a_pool_of_someone_else_is_never_touched(world: World) -> None:
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


async def test_the_node_of_an_earlier_claim_of_that_name_is_not_the_claims(world: World) -> None:
    """It is on its way out, and whoever still sees it sees the past."""
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
    ("changes", "words"),
    [
        ({"requirements": []}, "names no node.kubernetes.io/instance-type"),
        ({"resources": {"requests": {"storage": "5Ti"}}}, "AKS accepts 30 to 2048"),
        ({"resources": {"requests": {"storage": "much"}}}, "not a quantity"),
    ],
    ids=["no instance type", "disk too large", "no quantity"],
)
async def test_what_no_pool_can_be_is_said(changes: dict[str, object], words: str) -> None:
    world = World()
    world.ask(**changes)
    await world.run(4)
    claim = world.claim()
    assert claim is not None
    assert world.condition("Launched") == ("False", "InvalidRequirements")
    assert words in claim["status"]["conditions"][0]["message"]
    assert not any(call == "create" for call, _ in world.cloud.calls)


async def test_claims_of_other_provisioners_are_left_alone(world: World) -> None:
    manifest = claim_manifest(world.kind)
    manifest["metadata"]["labels"] = {}
    world.cluster.seed(world.kind, manifest)
    await world.run(5)
    claim = world.claim()
    assert claim is not None and "finalizers" not in claim["metadata"]


async def test_nothing_is_written_in_steady_state(world: World) -> None:
    world.ask()
    await world.run(12)
    before = len([c for c in world.cluster.calls if c.verb.startswith(("patch", "create"))])
    await world.run(20)
    after = len([c for c in world.cluster.calls if c.verb.startswith(("patch", "create"))])
    assert before == after


@pytest.mark.parametrize("error", [Unavailable("gone"), Conflict("changed"), NotFound("?")])
@pytest.mark.parametrize("crash_at", range(1, 16))
async def test_a_crash_at_any_write_is_harmless(
    world: World, crash_at: int, error: Exception
) -> None:
    """That write fails, and the process starts anew knowing nothing."""
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
