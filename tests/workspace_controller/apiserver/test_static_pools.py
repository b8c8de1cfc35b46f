"""Static NodePools on a real API server; the test acts as Karpenter."""

from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, condition, eventually

READY = condition("Ready", "True", "Ready")
NO_CLASS = ("False", "NodeClassNotFound", "no TestNodeClass")


def pool_of(sandbox: Sandbox) -> Manifest:
    (pool,) = sandbox.all(kinds.NODE_POOL)
    return pool


def launch(sandbox: Sandbox, number: int, *conditions: Manifest) -> str:
    """A claim as Karpenter creates it from the pool's template, and the node of a ready one."""
    pool = pool_of(sandbox)
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
    sandbox.create(kinds.NODE_CLAIM, claim)
    if READY in conditions:
        sandbox.node(f"node-{number}", **has)
    return name


async def test_pool_is_created_filled_and_deleted(sandbox: Sandbox) -> None:
    sandbox.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    sandbox.workspace(count=2)
    async with sandbox.controller("nodepool"):
        await eventually(lambda: sandbox.all(kinds.NODE_POOL))
        assert pool_of(sandbox)["spec"]["replicas"] == 2
        for number in (1, 2):
            launch(sandbox, number, READY)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "True/NodesReady"
        )
        assert sandbox.status_and_reason("ws", "NodeClaimReady") == "True/NodesProvisioned"
        assert sandbox.worker_nodes() == ["node-1", "node-2"]
        sandbox.delete(kinds.WORKSPACE, "ws")
        sandbox.delete(kinds.DEPLOYMENT, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)
        assert not sandbox.all(kinds.NODE_POOL) + sandbox.all(kinds.NODE_CLAIM)


async def test_pool_grows_when_a_reused_node_is_lost(sandbox: Sandbox) -> None:
    sandbox.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    sandbox.node("free")
    sandbox.workspace(count=2)
    async with sandbox.controller("nodepool"):
        await eventually(lambda: sandbox.all(kinds.NODE_POOL))
        assert pool_of(sandbox)["spec"]["replicas"] == 1
        await eventually(lambda: sandbox.worker_nodes() == ["free"])
        sandbox.delete(kinds.NODE, "free")
        await eventually(lambda: pool_of(sandbox)["spec"]["replicas"] == 2)


async def test_reason_why_a_pool_has_no_nodes_is_reported(sandbox: Sandbox) -> None:
    sandbox.install(kinds.NODE_CLAIM, kinds.NODE_POOL)
    sandbox.workspace()
    async with sandbox.controller("nodepool"):
        await eventually(
            lambda: (
                "is not Ready: check that Karpenter is running"
                in sandbox.message("ws", "NodeClaimReady")
            )
        )
        name = str(pool_of(sandbox)["metadata"]["name"])
        conditions = [condition(type_, *NO_CLASS) for type_ in ("NodeClassReady", "Ready")]
        sandbox.set_status(kinds.NODE_POOL, name, {"conditions": conditions})
        await eventually(
            lambda: sandbox.status_and_reason("ws", "NodeClaimReady") == "False/NodeClassNotFound"
        )
        sandbox.set_status(kinds.NODE_POOL, name, {"conditions": [READY]})
        await eventually(lambda: "StaticCapacity" in sandbox.message("ws", "NodeClaimReady"))
        launch(sandbox, 1, condition("Launched", "False", "LaunchFailed", "no such subnet"))
        await eventually(lambda: "no such subnet" in sandbox.message("ws", "ResourceReady"))


async def test_crd_without_static_pools_is_reported(sandbox: Sandbox) -> None:
    sandbox.install(kinds.NODE_CLAIM)
    sandbox.install_pools_without_replicas()
    sandbox.workspace()
    async with sandbox.controller("nodepool"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "False/ProvisionerTooOld"
        )
        sandbox.delete(kinds.WORKSPACE, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)
        assert not sandbox.all(kinds.NODE_POOL)


async def test_changed_provisioner_neither_duplicates_nor_leaks_nodes(
    sandbox: Sandbox,
) -> None:
    sandbox.install(kinds.MACHINE, kinds.NODE_CLAIM, kinds.NODE_POOL)
    sandbox.workspace()
    async with sandbox.controller("nodepool"):
        await eventually(lambda: sandbox.all(kinds.NODE_POOL))
        launch(sandbox, 1, READY)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "True/NodesReady"
        )
    async with sandbox.controller("machine"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "MachineReady") == "True/NodesProvisioned"
        )
        assert not sandbox.all(kinds.MACHINE)
        sandbox.delete(kinds.WORKSPACE, "ws")
        sandbox.delete(kinds.DEPLOYMENT, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)
        assert not sandbox.all(kinds.NODE_POOL) + sandbox.all(kinds.NODE_CLAIM)
