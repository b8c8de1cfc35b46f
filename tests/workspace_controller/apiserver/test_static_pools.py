"""Static NodePools on a real API server; the test acts as Karpenter."""

from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.field import Field, becomes, condition

READY = condition("Ready", "True", "Ready")
NO_CLASS = ("False", "NodeClassNotFound", "no TestNodeClass")


def pool_of(field: Field) -> Manifest:
    (pool,) = field.all(kinds.NODE_POOL)
    return pool


def launch(field: Field, number: int, *conditions: Manifest) -> str:
    """A claim as Karpenter creates it from the pool's template, and the node of a ready one."""
    pool = pool_of(field)
    template: dict[str, Any] = pool["spec"]["template"]
    name = f"{pool['metadata']['name']}-{number:05}"
    owner = {
        "apiVersion": kinds.NODE_POOL.api_version,
        "kind": kinds.NODE_POOL.kind,
        "name": pool["metadata"]["name"],
        "uid": pool["metadata"]["uid"],
    }
    has = {**template["metadata"]["labels"], labels.NODE_POOL: pool["metadata"]["name"]}
    metadata = {"name": name, "labels": has, "ownerReferences": [owner]}
    status = {"conditions": list(conditions)}
    claim = {"metadata": metadata, "spec": template["spec"], "status": status}
    field.create(kinds.NODE_CLAIM, claim)
    if READY in conditions:
        field.node(f"node-{number}", **has)
    return name


async def test_pool_is_created_filled_and_deleted(field: Field) -> None:
    field.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    field.workspace(count=2)
    async with field.controller("nodepool"):
        await becomes(lambda: field.all(kinds.NODE_POOL))
        assert pool_of(field)["spec"]["replicas"] == 2
        for number in (1, 2):
            launch(field, number, READY)
        await becomes(lambda: field.status_and_reason("ws", "ResourceReady") == "True/NodesReady")
        assert field.status_and_reason("ws", "NodeClaimReady") == "True/NodesProvisioned"
        assert field.workers() == ["node-1", "node-2"]
        field.delete(kinds.WORKSPACE, "ws")
        field.delete(kinds.DEPLOYMENT, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)
        assert not field.all(kinds.NODE_POOL) + field.all(kinds.NODE_CLAIM)


async def test_pool_grows_when_a_reused_node_is_lost(field: Field) -> None:
    field.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    field.node("free")
    field.workspace(count=2)
    async with field.controller("nodepool"):
        await becomes(lambda: field.all(kinds.NODE_POOL))
        assert pool_of(field)["spec"]["replicas"] == 1
        await becomes(lambda: field.workers() == ["free"])
        field.delete(kinds.NODE, "free")
        await becomes(lambda: pool_of(field)["spec"]["replicas"] == 2)


async def test_reason_why_a_pool_has_no_nodes_is_reported(field: Field) -> None:
    field.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    field.workspace()
    async with field.controller("nodepool"):
        await becomes(
            lambda: (
                "is not Ready: check that Karpenter is running"
                in field.message("ws", "NodeClaimReady")
            )
        )
        name = str(pool_of(field)["metadata"]["name"])
        conditions = [condition(type_, *NO_CLASS) for type_ in ("NodeClassReady", "Ready")]
        field.tell(kinds.NODE_POOL, name, {"conditions": conditions})
        await becomes(
            lambda: field.status_and_reason("ws", "NodeClaimReady") == "False/NodeClassNotFound"
        )
        field.tell(kinds.NODE_POOL, name, {"conditions": [READY]})
        await becomes(lambda: "StaticCapacity" in field.message("ws", "NodeClaimReady"))
        launch(field, 1, condition("Launched", "False", "LaunchFailed", "no such subnet"))
        await becomes(lambda: "no such subnet" in field.message("ws", "ResourceReady"))


async def test_crd_without_static_pools_is_reported(field: Field) -> None:
    field.install(kinds.NODE_CLAIM)
    field.install_pools_without_size()
    field.workspace()
    async with field.controller("nodepool"):
        await becomes(
            lambda: field.status_and_reason("ws", "ResourceReady") == "False/ProvisionerTooOld"
        )
        field.delete(kinds.WORKSPACE, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)
        assert not field.all(kinds.NODE_POOL)


async def test_changed_provisioner_neither_duplicates_nor_leaks_nodes(
    field: Field,
) -> None:
    field.install(kinds.MACHINE, kinds.NODE_CLAIM, kinds.NODE_POOL)
    field.workspace()
    async with field.controller("nodepool"):
        await becomes(lambda: field.all(kinds.NODE_POOL))
        launch(field, 1, READY)
        await becomes(lambda: field.status_and_reason("ws", "ResourceReady") == "True/NodesReady")
    async with field.controller("machine"):
        await becomes(
            lambda: field.status_and_reason("ws", "MachineReady") == "True/NodesProvisioned"
        )
        assert not field.all(kinds.MACHINE)
        field.delete(kinds.WORKSPACE, "ws")
        field.delete(kinds.DEPLOYMENT, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)
        assert not field.all(kinds.NODE_POOL) + field.all(kinds.NODE_CLAIM)
