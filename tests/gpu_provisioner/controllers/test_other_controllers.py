"""Claims and Nodes of other controllers, such as Karpenter in mode nodepool: nothing of them is
written, and their finalizers stay."""

from copy import deepcopy
from typing import Any

import pytest

from gpu_provisioner.claims.claim import CLAIM_KINDS, parse
from gpu_provisioner.controllers.poll_interval import waits_for_cloud
from kaito_api import labels
from kaito_kube.kinds import MACHINE, NODE, NODE_CLAIM, Key, Kind, Manifest
from tests.gpu_provisioner import upstream
from tests.gpu_provisioner.world import NAME, World, claim_manifest

KARPENTER = {"group": "karpenter.azure.com", "kind": "AKSNodeClass", "name": "default"}
KAITO = {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"}
# Karpenter names its claims after their NodePool, which no agent pool can be named.
KARPENTERS_NAME = "default-phi-0123456789-x7k2p"
WRITES = ("create", "patch", "delete", "apply", "evict")


def karpenters_claim(name: str = KARPENTERS_NAME) -> Manifest:
    """The claim of a NodePool of the controller: the template's labels include the Workspace."""
    claim = claim_manifest(NODE_CLAIM, name, nodeClassRef=KARPENTER)
    claim["metadata"]["finalizers"] = [labels.TERMINATION_FINALIZER]
    claim["metadata"]["labels"][labels.NODE_POOL] = "default-phi-0123456789"
    return claim


def node_of(claim: Manifest, pool: str) -> Manifest:
    """The Node as Karpenter leaves it: with its finalizer, and owned by its claim."""
    node = deepcopy(upstream.node(claim["metadata"]["uid"]))
    node["metadata"]["labels"][labels.AGENT_POOL] = pool
    return node


def written(world: World, kind: Kind) -> list[str]:
    calls = (call for call in world.cluster.calls if call.kind is kind)
    return [call.verb for call in calls if call.verb in WRITES]


@pytest.mark.parametrize("name", [KARPENTERS_NAME, NAME], ids=["its name", "a pool's name"])
async def test_karpenters_claim_is_not_written(name: str) -> None:
    world = World(NODE_CLAIM)
    claim = world.cluster.seed(NODE_CLAIM, karpenters_claim(name))
    world.cluster.seed(NODE, node_of(claim, name))
    await world.run(20)
    found = world.claim(name)
    assert found is not None and "status" not in found
    assert found["metadata"]["finalizers"] == [labels.TERMINATION_FINALIZER]
    assert written(world, NODE_CLAIM) == [] and written(world, NODE) == []
    assert not [call for call in world.cloud.calls if call[0] in ("create", "delete")]


async def test_karpenters_claim_that_is_being_deleted_keeps_its_finalizer() -> None:
    world = World(NODE_CLAIM)
    claim = world.cluster.seed(NODE_CLAIM, karpenters_claim())
    world.cluster.seed(NODE, node_of(claim, KARPENTERS_NAME))
    await world.cluster.delete(NODE_CLAIM, KARPENTERS_NAME)
    world.cluster.calls.clear()
    await world.run(30)
    found = world.claim(KARPENTERS_NAME)
    assert found is not None
    assert found["metadata"]["finalizers"] == [labels.TERMINATION_FINALIZER]
    assert written(world, NODE_CLAIM) == [] and written(world, NODE) == []


async def test_node_that_another_claim_owns_keeps_its_finalizer_while_and_after_ours_lives() -> (
    None
):
    """Also a Node that carries the label of our pool."""
    world = World(NODE_CLAIM, joins=False, leaves_nodes=True)
    claim = world.cluster.seed(NODE_CLAIM, karpenters_claim())
    world.ask(nodeClassRef=KAITO)
    await world.run(8)
    world.cluster.seed(NODE, node_of(claim, NAME))
    await world.run(5)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    await world.cluster.delete(NODE_CLAIM, NAME)
    await world.run(30)
    assert world.claim() is None and world.cloud.pools() == {}
    node = world.cluster.peek(NODE, upstream.NODE_NAME)
    assert node is not None
    assert node["metadata"]["finalizers"] == [labels.TERMINATION_FINALIZER]
    assert written(world, NODE) == []


async def test_finalizers_of_others_stay_on_the_claim() -> None:
    world = World(NODE_CLAIM)
    world.ask(nodeClassRef=KAITO)
    await world.run(3)
    others = ["example.com/a", labels.TERMINATION_FINALIZER, "example.com/b"]
    world.cluster.change(NODE_CLAIM, Key("", NAME), {"metadata": {"finalizers": others}})
    await world.cluster.delete(NODE_CLAIM, NAME)
    await world.run(40)
    claim = world.claim()
    assert claim is not None and world.cloud.pools() == {}
    assert claim["metadata"]["finalizers"] == ["example.com/a", "example.com/b"]


@pytest.mark.parametrize(
    ("kind", "reference", "workspace", "managed"),
    [
        (NODE_CLAIM, KAITO, False, True),
        (NODE_CLAIM, {"kind": "KaitoNodeClass", "name": "default"}, False, True),
        (NODE_CLAIM, KARPENTER, True, False),
        (NODE_CLAIM, {**KAITO, "group": "example.com"}, True, False),
        (NODE_CLAIM, {"name": "default"}, True, True),
        (NODE_CLAIM, None, False, False),
        (MACHINE, None, True, True),
        (MACHINE, None, False, False),
    ],
    ids=[
        "KaitoNodeClass",
        "KaitoNodeClass of an API without groups",
        "AKSNodeClass with a Workspace's label",
        "another group's KaitoNodeClass",
        "no kind of node class, with a Workspace's label",
        "nothing",
        "Machine of a Workspace",
        "Machine of nobody",
    ],
)
def test_node_class_decides_and_the_label_only_without_one(
    kind: Kind, reference: dict[str, str] | None, workspace: bool, managed: bool
) -> None:
    changes: dict[str, Any] = {} if reference is None else {"nodeClassRef": reference}
    manifest = claim_manifest(kind, **changes)
    manifest["metadata"] |= {"uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if not workspace:
        manifest["metadata"]["labels"] = {}
    assert parse(kind, manifest).is_managed is managed
    assert waits_for_cloud(CLAIM_KINDS[kind], manifest) is managed
