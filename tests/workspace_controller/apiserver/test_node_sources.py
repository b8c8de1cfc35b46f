"""The four sources of nodes on a real API server."""

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Kind, Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, condition, eventually

READY = {"conditions": [condition("Ready", "True", "Ready")]}
HELD = {"metadata": {"finalizers": [labels.TERMINATION_FINALIZER]}}
FREED: Manifest = {"metadata": {"finalizers": None}}
CLAIMS = {"machine": kinds.MACHINE, "nodeclaim": kinds.NODE_CLAIM}


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


async def test_byo_works_without_any_claim_crd(sandbox: Sandbox) -> None:
    sandbox.workspace(byo=True)
    async with sandbox.controller("byo"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "NodesReady") == "False/NotEnoughNodes"
        )
        sandbox.node("mine")
        await eventually(lambda: sandbox.status_and_reason("ws", "NodesReady") == "True/NodesReady")
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws"))
        sandbox.delete(kinds.WORKSPACE, "ws")
        sandbox.delete(kinds.DEPLOYMENT, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)


async def test_byo_node_passes_to_the_next_waiting_workspace(sandbox: Sandbox) -> None:
    sandbox.node("mine")
    async with sandbox.controller("byo"):
        sandbox.workspace("one", byo=True)
        await eventually(lambda: sandbox.worker_nodes("one") == ["mine"])
        sandbox.workspace("two", byo=True)
        await eventually(
            lambda: sandbox.status_and_reason("two", "NodesReady") == "False/NotEnoughNodes"
        )
        sandbox.delete(kinds.WORKSPACE, "one")
        await eventually(lambda: sandbox.worker_nodes("two") == ["mine"])


async def test_byo_node_that_loses_its_label_is_not_used(sandbox: Sandbox) -> None:
    sandbox.node("mine")
    sandbox.workspace(byo=True)
    async with sandbox.controller("byo"):
        await eventually(lambda: sandbox.worker_nodes() == ["mine"])
        sandbox.patch(kinds.NODE, "mine", {"metadata": {"labels": {"app": "other"}}})
        await eventually(
            lambda: sandbox.status_and_reason("ws", "NodesReady") == "False/NotEnoughNodes"
        )


@pytest.mark.parametrize(("provisioner", "kind"), CLAIMS.items(), ids=CLAIMS)
async def test_workspace_is_gone_only_after_its_claim(
    sandbox: Sandbox, provisioner: str, kind: Kind
) -> None:
    sandbox.install(kind)
    made = sandbox.workspace()
    async with sandbox.controller(provisioner):
        await eventually(lambda: sandbox.all(kind))
        (claim,) = sandbox.all(kind)
        assert (
            claim["metadata"]["labels"].items()
            >= {
                "app": "phi",
                labels.WORKSPACE: "ws",
                labels.WORKSPACE_NAMESPACE: sandbox.namespace,
                labels.WORKSPACE_UID: made["metadata"]["uid"],
            }.items()
        )
        sandbox.patch(kind, name_of(claim), HELD)
        sandbox.set_status(kind, name_of(claim), READY)
        sandbox.node("made", **claim["metadata"]["labels"])
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "True/NodesReady"
        )
        sandbox.delete(kinds.WORKSPACE, "ws")
        sandbox.delete(kinds.DEPLOYMENT, "ws")
        await eventually(lambda: sandbox.all(kind)[0]["metadata"].get("deletionTimestamp"))
        await eventually(lambda: name_of(claim) in sandbox.message("ws", "WorkspaceDeleting"))
        sandbox.patch(kind, name_of(claim), FREED)
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)


async def test_free_node_is_reused_before_one_is_requested(sandbox: Sandbox) -> None:
    sandbox.install(kinds.MACHINE)
    sandbox.node("free")
    sandbox.workspace(count=2)
    async with sandbox.controller("machine"):
        await eventually(lambda: sandbox.worker_nodes() == ["free"])
        assert len(sandbox.all(kinds.MACHINE)) == 1


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim", "nodepool"])
async def test_claim_is_requested_once_its_crd_is_installed(
    sandbox: Sandbox, provisioner: str
) -> None:
    kind = {**CLAIMS, "nodepool": kinds.NODE_POOL}[provisioner]
    sandbox.workspace()
    async with sandbox.controller(provisioner):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "False/ProvisionerMissing"
        )
        sandbox.install(kind)
        await eventually(lambda: sandbox.all(kind), within=8)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady") == "False/CreatingNodes"
        )


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim", "nodepool", "byo"])
async def test_deletion_completes_without_the_claim_crd(sandbox: Sandbox, provisioner: str) -> None:
    sandbox.workspace(byo=provisioner == "byo")
    async with sandbox.controller(provisioner):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "ResourceReady").startswith("False/")
        )
        sandbox.delete(kinds.WORKSPACE, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)


async def test_deletion_completes_when_the_claim_crd_was_removed(sandbox: Sandbox) -> None:
    sandbox.install(kinds.MACHINE)
    sandbox.workspace()
    async with sandbox.controller("machine"):
        await eventually(
            lambda: sandbox.status_and_reason("ws", "MachineReady") == "Unknown/CreatingNodes"
        )
        sandbox.uninstall(kinds.MACHINE)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "MachineReady") == "False/ProvisionerMissing"
        )
        sandbox.delete(kinds.WORKSPACE, "ws")
        await eventually(lambda: sandbox.get(kinds.WORKSPACE, "ws") is None)
