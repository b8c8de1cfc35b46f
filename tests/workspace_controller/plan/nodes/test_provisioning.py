"""Which nodes are used and requested, and which conditions report them."""

from collections.abc import Sequence
from typing import Any

import pytest

from kaito_kube.kinds import MACHINE, NODE_CLAIM, NODE_POOL, Kind, Manifest
from tests.workspace_controller.given import (
    INSTANCE,
    OWNER,
    claim,
    inference_workspace,
    node,
    observation,
    own_node,
    resource,
    settings,
    stored,
)
from workspace_controller.manifests.claims import claim_name
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.provisioning import NodePlan, decide_nodes
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.plan.plan import Apply, Create, Delete

READY = "True/Ready/"
BYO = settings(node_provisioner="byo")


def seen(
    target: int = 1, status: Manifest | None = None, **changes: Any
) -> tuple[Observed, NodePlan]:
    asked = resource(instanceType=None if changes.get("settings") == BYO else INSTANCE)
    manifest = stored(inference_workspace(resource={**asked, **changes.pop("resource", {})}))
    observed = observation({**manifest, "status": status or {}}, **changes)
    assert observed.spec is not None
    return observed, decide_nodes(observed, observed.spec, target)


def asked(nodes: NodePlan) -> list[str]:
    return [s.manifest["metadata"]["name"] for s in nodes.actions if isinstance(s, Create)]


def names(*indices: int) -> list[str]:
    return [claim_name(OWNER, index) for index in indices]


def by_type(nodes: NodePlan) -> dict[str, str]:
    return {c.type: f"{c.status}/{c.reason}" for c in nodes.conditions}


ASKING: dict[str, tuple[int, Sequence[Claim], Sequence[Manifest], list[str]]] = {
    "nothing there": (1, [], [], names(0)),
    "three wanted": (3, [], [], names(0, 1, 2)),
    "requested already": (1, [claim(0)], [], []),
    "one of two requested": (2, [claim(0)], [], names(1)),
    "the second of two requested": (2, [claim(1)], [], names(0)),
    "one is being deleted: wait for it": (1, [claim(0, deleting=True)], [], []),
    "one of two is being deleted": (2, [claim(0, deleting=True), claim(1)], [], []),
    "its own node is there": (1, [claim(0, Ready=READY)], [own_node()], []),
    "a free node serves": (1, [], [node("free")], []),
    "one free node of two wanted": (2, [], [node("free")], names(0)),
    "a free node that is not ready": (1, [], [node("free", ready=False)], names(0)),
    "a free node without GPUs": (1, [], [node("free", gpus=0)], names(0)),
    "a node of another type": (
        1, [], [node("free", labels={"node.kubernetes.io/instance-type": "other"})], names(0),
    ),
    "a node without the label": (1, [], [node("free", labels={"app": "other"})], names(0)),
    "a cordoned node": (1, [], [node("free", spec={"unschedulable": True})], names(0)),
    "a node being deleted": (
        1, [], [node("free", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})], names(0),
    ),
    "a node of another Workspace": (
        1, [], [node("free", labels={"kaito.sh/workspace": "other"})], names(0),
    ),
    "a claim of its own rather than a free node": (1, [claim(0)], [node("free")], []),
}  # fmt: skip


@pytest.mark.parametrize(("target", "claims", "nodes", "wanted"), ASKING.values(), ids=ASKING)
def test_missing_nodes_are_requested(
    target: int, claims: Sequence[Claim], nodes: Sequence[Manifest], wanted: list[str]
) -> None:
    _, decided = seen(target, claims=tuple(claims), nodes=tuple(nodes))
    assert asked(decided) == wanted


def test_node_reserved_by_another_workspace_is_not_reused() -> None:
    _, decided = seen(nodes=(node("free"),), reserved_nodes=frozenset({"free"}))
    assert asked(decided) == names(0)


def test_node_in_use_is_not_replaced_while_it_restarts() -> None:
    _, decided = seen(status={"workerNodes": ["free"]}, nodes=(node("free", ready=False),))
    assert asked(decided) == []
    assert by_type(decided)["NodesReady"] == "False/NodesNotReady"


def test_nodes_in_use_come_first_then_preferred_ones() -> None:
    free = tuple(node(name) for name in ("a", "b", "c"))
    _, decided = seen(resource={"preferredNodes": ["b"]}, nodes=free)
    assert decided.workers == ("b",)
    _, decided = seen(resource={"preferredNodes": ["b"]}, status={"workerNodes": ["c"]}, nodes=free)
    assert decided.workers == ("c",)


SAYING: dict[str, tuple[Sequence[Claim], Sequence[Manifest], dict[str, str], str]] = {
    "requested": (
        [claim(0)], [],
        {"MachineReady": "Unknown/CreatingNodes", "ResourceReady": "False/CreatingNodes"},
        "0 of 1 requested nodes are ready",
    ),
    "in progress, as the provisioner reports": (
        [claim(0, Launched="Unknown/Launching/creating agent pool")], [],
        {"MachineReady": "Unknown/CreatingNodes"}, "creating agent pool",
    ),
    "no quota": (
        [claim(0, Launched="False/QuotaExceeded/24 cores are missing", Ready="False/NotReady/")],
        [],
        {"MachineReady": "False/QuotaExceeded", "ResourceReady": "False/QuotaExceeded"},
        "24 cores are missing",
    ),
    "no quota, by a Machine's condition": (
        [claim(0, MachineLaunched="False/QuotaExceeded/24 cores are missing")], [],
        {"MachineReady": "False/QuotaExceeded"}, "24 cores",
    ),
    "subscription disabled": (
        [claim(0, Launched="False/SubscriptionDisabled/subscription s is Disabled")], [],
        {"MachineReady": "False/SubscriptionDisabled",
         "ResourceReady": "False/SubscriptionDisabled"},
        "subscription s is Disabled",
    ),
    "another provisioner's reason": (
        [claim(0, Ready="False/OutOfLuck/")], [], {"MachineReady": "False/OutOfLuck"}, "is False",
    ),
    "claim ready, node not": (
        [claim(0, Ready=READY)], [own_node(ready=False)],
        {"MachineReady": "True/NodesProvisioned", "NodesReady": "False/NodesNotReady",
         "ResourceReady": "False/NodesNotReady"},
        "node-0 is not Ready",
    ),
    "node without its GPUs": (
        [claim(0, Ready=READY)], [own_node(gpus=0)],
        {"NodesReady": "False/NodesNotReady"}, "node-0 does not advertise nvidia.com/gpu: 1",
    ),
    "all there": (
        [claim(0, Ready=READY)], [own_node()],
        {"MachineReady": "True/NodesProvisioned", "NodesReady": "True/NodesReady",
         "ResourceReady": "True/NodesReady"},
        "1 of 1 nodes are ready",
    ),
    "reused": (
        [], [node("free")],
        {"MachineReady": "True/NodesReused", "ResourceReady": "True/NodesReady"}, "1 of 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("claims", "nodes", "expected", "message"), SAYING.values(), ids=SAYING)
def test_conditions_of_nodes_and_claims(
    claims: Sequence[Claim], nodes: Sequence[Manifest], expected: dict[str, str], message: str
) -> None:
    _, decided = seen(claims=tuple(claims), nodes=tuple(nodes))
    assert by_type(decided).items() >= expected.items()
    assert any(message in condition.message for condition in decided.conditions)


def test_permanent_reason_of_a_claim_is_a_failure() -> None:
    _, decided = seen(claims=(claim(0, Launched="False/InvalidRequirements/no such key"),))
    assert decided.failed


def test_node_claims_have_their_own_condition() -> None:
    given = settings(node_provisioner="nodeclaim")
    _, decided = seen(settings=given)
    assert [action.kind for action in decided.actions if isinstance(action, Create)] == [NODE_CLAIM]
    assert by_type(decided)["NodeClaimReady"] == "Unknown/CreatingNodes"


def test_byo_waits_for_nodes_and_requests_none() -> None:
    _, decided = seen(settings=BYO)
    assert decided.actions == () and not decided.requests_nodes
    assert by_type(decided) == {
        "NodesReady": "False/NotEnoughNodes",
        "ResourceReady": "False/NotEnoughNodes",
    }


def test_byo_uses_nodes_of_any_instance_type() -> None:
    other = node("mine", labels={"node.kubernetes.io/instance-type": "anything"})
    _, decided = seen(settings=BYO, nodes=(other,))
    assert decided.ready and decided.workers == ("mine",)


def test_byo_node_without_a_gpu_is_not_enough_and_named() -> None:
    _, decided = seen(settings=BYO, nodes=(node("cpu-1", gpus=0),))
    assert not decided.ready and decided.workers == ()
    assert by_type(decided)["NodesReady"] == "False/NotEnoughNodes"
    (message,) = {c.message for c in decided.conditions}
    assert message.startswith(
        "0 of 1 nodes are ready: node cpu-1 advertises no GPU: its allocatable has none of "
        "nvidia.com/gpu, amd.com/gpu, aws.amazon.com/neuron (start the vendor's device plugin"
    )


def test_byo_node_with_a_gpu_is_used_before_one_without() -> None:
    _, decided = seen(settings=BYO, nodes=(node("a", gpus=0), node("b", gpus=2)))
    assert decided.ready and decided.workers == ("b",)


def test_byo_nodes_without_gpus_serve_where_models_run_on_cpus() -> None:
    given = settings(node_provisioner="byo", gpu_node_ready=False)
    observed = observation(
        stored(inference_workspace(resource=resource(instanceType=None))),
        settings=given,
        nodes=(node("cpu-1", gpus=0),),
    )
    assert observed.spec is not None
    assert decide_nodes(observed, observed.spec, 1).ready


def test_byo_node_without_a_gpu_runs_the_users_own_pods() -> None:
    template: Manifest = {"template": {"spec": {"containers": []}}}
    manifest = inference_workspace(resource=resource(instanceType=None), inference=template)
    observed = observation(stored(manifest), settings=BYO, nodes=(node("cpu-1", gpus=0),))
    assert observed.spec is not None
    assert decide_nodes(observed, observed.spec, 1).ready


POOLED = settings(node_provisioner="nodepool")


def pool(size: int, *, deleting: bool = False) -> Claim:
    made = claim(0, kind=NODE_POOL, deleting=deleting)
    return Claim(NODE_POOL, {**made.manifest, "spec": {"replicas": size}})


@pytest.mark.parametrize(
    ("claims", "target", "size"),
    [
        ([], 2, 2),
        ([pool(2)], 2, None),
        ([pool(1)], 2, 2),
        ([pool(3)], 2, None),
        ([pool(2, deleting=True)], 2, None),
    ],
    ids=["none yet", "right", "too small", "never smaller", "being deleted"],
)
def test_pool_has_fixed_replicas_and_never_shrinks(
    claims: list[Claim], target: int, size: int | None
) -> None:
    _, decided = seen(target, settings=POOLED, claims=tuple(claims))
    sizes = [s.manifest["spec"]["replicas"] for s in decided.actions if isinstance(s, Apply)]
    assert sizes == ([] if size is None else [size])


def test_no_pool_is_created_when_free_nodes_suffice() -> None:
    _, decided = seen(settings=POOLED, nodes=(node("free"),))
    assert decided.actions == () and by_type(decided)["NodeClaimReady"] == "True/NodesReused"


def test_pool_is_deleted_before_its_claims_and_only_once() -> None:
    observed, _ = seen(settings=POOLED, claims=(pool(1), claim(0, kind=NODE_CLAIM, from_pool=True)))
    assert [
        action.kind for action in claims_to_delete(observed.claims) if isinstance(action, Delete)
    ] == [NODE_POOL]
    observed, _ = seen(claims=(claim(0), claim(1, deleting=True)))
    assert claims_to_delete(observed.claims) == (Delete(MACHINE, claim_name(OWNER, 0)),)


@pytest.mark.parametrize("checked", [True, False])
def test_gpus_need_not_be_advertised_when_disabled_in_settings(checked: bool) -> None:
    _, decided = seen(
        settings=settings(gpu_node_ready=checked),
        claims=(claim(0, Ready=READY),),
        nodes=(own_node(gpus=0),),
    )
    assert decided.ready is not checked


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("Launched", "PoolMissing"),
        ("Registered", "RegistrationTimeout"),
        ("Registered", "NodeGone"),
        ("Registered", "PoolScaled"),
        ("Registered", "SpotEvicted"),
        ("Ready", "NodeUnhealthy"),
    ],
)
def test_reason_of_a_replaced_claim_stays_until_a_node_is_there(stage: str, reason: str) -> None:
    status = {
        "conditions": [
            {
                "type": "MachineReady",
                "status": "False",
                "reason": reason,
                "message": "it was not to be",
            }
        ]
    }
    replaced_failure: dict[str, Any] = {stage: f"False/{reason}/it was not to be"}
    _, deleting = seen(claims=[claim(0, kind=MACHINE, deleting=True, **replaced_failure)])
    _, again = seen(status=status, claims=[claim(0)])
    _, there = seen(status=status, claims=[claim(0, Ready=READY)], nodes=[own_node()])
    assert by_type(deleting)["ResourceReady"] == f"False/{reason}"
    assert by_type(again)["ResourceReady"] == f"False/{reason}"
    assert by_type(there)["ResourceReady"] == "True/NodesReady"


def test_failure_after_initialization_is_reported() -> None:
    broken = claim(0, Initialized=READY, Ready="False/NodeGone/its node is gone")
    _, decided = seen(claims=[broken])
    assert by_type(decided)["MachineReady"] == "False/NodeGone"


@pytest.mark.parametrize(
    ("provisioner", "kind", "condition"),
    [
        ("machine", MACHINE, "MachineReady"),
        ("nodeclaim", NODE_CLAIM, "NodeClaimReady"),
        ("nodepool", NODE_POOL, "NodeClaimReady"),
    ],
)
def test_kind_that_the_cluster_does_not_serve_is_not_requested(
    provisioner: str, kind: Kind, condition: str
) -> None:
    given = settings(node_provisioner=provisioner)
    missing: dict[str, Any] = {"settings": given, "unserved_kinds": frozenset({kind})}
    _, decided = seen(**missing)
    assert decided.actions == ()
    assert by_type(decided)[condition] == "False/ProvisionerMissing"
    assert by_type(decided)["ResourceReady"] == "False/ProvisionerMissing"
    assert (
        f"the cluster does not serve {kind} ({kind.api_version})" in decided.conditions[-1].message
    )
    _, reused = seen(**missing, nodes=(node("free"),))
    assert by_type(reused)["ResourceReady"] == "True/NodesReady"


def sized(size: int, **conditions: Any) -> Claim:
    made = claim(0, kind=NODE_POOL, **conditions)
    return Claim(NODE_POOL, {**made.manifest, "spec": {"replicas": size}})


def from_pool(**conditions: Any) -> Claim:
    return claim(0, kind=NODE_CLAIM, from_pool=True, **conditions)


POOL_SAYS: dict[str, tuple[list[Claim], str, str]] = {
    "not reconciled yet": (
        [sized(1)], "Unknown/CreatingNodes", "is not Ready: check that Karpenter is running",
    ),
    "without claims": (
        [sized(1, Ready=READY)], "Unknown/CreatingNodes", "feature gate StaticCapacity",
    ),
    "no node class": (
        [sized(1, NodeClassReady="False/NodeClassNotFound/no such class",
               Ready="False/UnhealthyDependents/NodeClassReady=False")],
        "False/NodeClassNotFound", "no such class",
    ),
    "its claim is in progress": (
        [sized(1, Ready=READY), from_pool(Launched="Unknown/Launching/waiting for the cloud")],
        "Unknown/CreatingNodes", "waiting for the cloud",
    ),
    "its claim failed": (
        [sized(1, Ready=READY), from_pool(Launched="False/LaunchFailed/no capacity left")],
        "False/LaunchFailed", "no capacity left",
    ),
    "its claim is ready": (
        [sized(1, Ready=READY), from_pool(Ready=READY)], "True/NodesProvisioned", "1 of 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("claims", "expected", "message"), POOL_SAYS.values(), ids=POOL_SAYS)
def test_condition_of_a_pool(claims: list[Claim], expected: str, message: str) -> None:
    _, decided = seen(settings=POOLED, claims=tuple(claims))
    assert decided.actions == ()
    assert by_type(decided)["NodeClaimReady"] == expected
    assert any(message in condition.message for condition in decided.conditions)


def test_node_of_an_earlier_workspace_of_the_same_name_is_not_used() -> None:
    other = own_node(labels={"kaito.sh/workspace-uid": "another"})
    _, decided = seen(claims=(claim(0),), nodes=(other,))
    assert decided.workers == ()


CORDONED: Manifest = {"unschedulable": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": BYO, "nodes": (node("n", spec=CORDONED),)},
        {"nodes": (own_node("n", spec=CORDONED),), "claims": (claim(0, Ready="True/Ready/"),)},
    ],
    ids=["a node that was labeled", "a node that was requested"],
)
def test_cordoned_node_is_named_as_such(changes: dict[str, Any]) -> None:
    _, decided = seen(**changes)
    (ready,) = [c for c in decided.conditions if c.type == "NodesReady"]
    assert "node n is cordoned (kubectl uncordon n lets pods start there again)" in ready.message
    assert ready.message.startswith("0 of 1 nodes are ready: ") and not decided.ready
