"""The four sources of nodes on a real API server."""

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Kind, Manifest
from tests.workspace_controller.apiserver.field import Field, becomes, condition

READY = {"conditions": [condition("Ready", "True", "Ready")]}
HELD = {"metadata": {"finalizers": [labels.TERMINATION_FINALIZER]}}
FREED: Manifest = {"metadata": {"finalizers": None}}
CLAIMS = {"machine": kinds.MACHINE, "nodeclaim": kinds.NODE_CLAIM}


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


async def test_byo_works_without_any_claim_crd(field: Field) -> None:
    field.workspace(brought=True)
    async with field.controller("byo"):
        await becomes(lambda: field.status_and_reason("ws", "NodesReady") == "False/NotEnoughNodes")
        field.node("mine")
        await becomes(lambda: field.status_and_reason("ws", "NodesReady") == "True/NodesReady")
        await becomes(lambda: field.get(kinds.DEPLOYMENT, "ws"))
        field.delete(kinds.WORKSPACE, "ws")
        field.delete(kinds.DEPLOYMENT, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)


async def test_byo_node_passes_to_the_next_waiting_workspace(field: Field) -> None:
    field.node("mine")
    async with field.controller("byo"):
        field.workspace("one", brought=True)
        await becomes(lambda: field.workers("one") == ["mine"])
        field.workspace("two", brought=True)
        await becomes(
            lambda: field.status_and_reason("two", "NodesReady") == "False/NotEnoughNodes"
        )
        field.delete(kinds.WORKSPACE, "one")
        await becomes(lambda: field.workers("two") == ["mine"])


async def test_byo_node_that_loses_its_label_is_not_used(field: Field) -> None:
    field.node("mine")
    field.workspace(brought=True)
    async with field.controller("byo"):
        await becomes(lambda: field.workers() == ["mine"])
        field.change(kinds.NODE, "mine", {"metadata": {"labels": {"app": "other"}}})
        await becomes(lambda: field.status_and_reason("ws", "NodesReady") == "False/NotEnoughNodes")


@pytest.mark.parametrize(("provisioner", "kind"), CLAIMS.items(), ids=CLAIMS)
async def test_workspace_is_gone_only_after_its_claim(
    field: Field, provisioner: str, kind: Kind
) -> None:
    field.install(kind)
    made = field.workspace()
    async with field.controller(provisioner):
        await becomes(lambda: field.all(kind))
        (claim,) = field.all(kind)
        assert (
            claim["metadata"]["labels"].items()
            >= {
                "app": "phi",
                labels.WORKSPACE: "ws",
                labels.WORKSPACE_NAMESPACE: field.namespace,
                labels.WORKSPACE_UID: made["metadata"]["uid"],
            }.items()
        )
        field.change(kind, name_of(claim), HELD)
        field.tell(kind, name_of(claim), READY)
        field.node("made", **claim["metadata"]["labels"])
        await becomes(lambda: field.status_and_reason("ws", "ResourceReady") == "True/NodesReady")
        field.delete(kinds.WORKSPACE, "ws")
        field.delete(kinds.DEPLOYMENT, "ws")
        await becomes(lambda: field.all(kind)[0]["metadata"].get("deletionTimestamp"))
        await becomes(lambda: name_of(claim) in field.message("ws", "WorkspaceDeleting"))
        field.change(kind, name_of(claim), FREED)
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)


async def test_free_node_is_reused_before_one_is_requested(field: Field) -> None:
    field.install(kinds.MACHINE)
    field.node("free")
    field.workspace(count=2)
    async with field.controller("machine"):
        await becomes(lambda: field.workers() == ["free"])
        assert len(field.all(kinds.MACHINE)) == 1


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim", "nodepool"])
async def test_claim_is_requested_once_its_crd_is_installed(field: Field, provisioner: str) -> None:
    kind = {**CLAIMS, "nodepool": kinds.NODE_POOL}[provisioner]
    field.workspace()
    async with field.controller(provisioner):
        await becomes(
            lambda: field.status_and_reason("ws", "ResourceReady") == "False/ProvisionerMissing"
        )
        field.install(kind)
        await becomes(lambda: field.all(kind), within=8)
        await becomes(
            lambda: field.status_and_reason("ws", "ResourceReady") == "False/CreatingNodes"
        )


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim", "nodepool", "byo"])
async def test_deletion_completes_without_the_claim_crd(field: Field, provisioner: str) -> None:
    field.workspace(brought=provisioner == "byo")
    async with field.controller(provisioner):
        await becomes(lambda: field.status_and_reason("ws", "ResourceReady").startswith("False/"))
        field.delete(kinds.WORKSPACE, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)


async def test_deletion_completes_when_the_claim_crd_was_removed(field: Field) -> None:
    field.install(kinds.MACHINE)
    field.workspace()
    async with field.controller("machine"):
        await becomes(
            lambda: field.status_and_reason("ws", "MachineReady") == "Unknown/CreatingNodes"
        )
        field.forget(kinds.MACHINE)
        await becomes(
            lambda: field.status_and_reason("ws", "MachineReady") == "False/ProvisionerMissing"
        )
        field.delete(kinds.WORKSPACE, "ws")
        await becomes(lambda: field.get(kinds.WORKSPACE, "ws") is None)
