"""Recorded configurations on a real API server, which lets nobody change what one holds.

No controller of Kubernetes runs, so the test plays the one that reports about Deployments.
"""

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually
from tests.workspace_controller.given import PRESET
from workspace_controller.settings import PodSettings

OLD, NEW = (PodSettings(image=f"registry.local/model-server:{tag}") for tag in ("1", "2"))


def serve(sandbox: Sandbox) -> None:
    sandbox.node("node-a")
    given: Manifest = {
        "metadata": {"name": "ws"},
        "resource": {"labelSelector": {"matchLabels": {"app": "phi"}}},
        "inference": {"preset": {"name": PRESET}},
    }
    sandbox.create(kinds.WORKSPACE, given)


def serves(sandbox: Sandbox, tag: str, number: int) -> bool:
    """Whether that version is applied and recorded; all its pods are ready."""
    deployment = sandbox.get(kinds.DEPLOYMENT, "ws")
    if deployment is None:
        return False
    generation = deployment["metadata"]["generation"]
    status = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    sandbox.set_status(kinds.DEPLOYMENT, "ws", {"observedGeneration": generation, **status})
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return bool(image.endswith(f":{tag}") and revision(sandbox).get("number") == number)


def revision(sandbox: Sandbox) -> Manifest:
    found = sandbox.get(kinds.WORKSPACE, "ws") or {}
    reported: Manifest = (found.get("status") or {}).get("revision") or {}
    return reported


def undo(sandbox: Sandbox, number: str | None) -> None:
    annotations = {labels.UNDO_TO_REVISION: number}
    sandbox.patch(kinds.WORKSPACE, "ws", {"metadata": {"annotations": annotations}})


async def test_revisions_are_recorded_and_gone_back_to(sandbox: Sandbox) -> None:
    serve(sandbox)
    async with sandbox.controller("byo", model_server=OLD):
        await eventually(lambda: serves(sandbox, "1", 1))
    async with sandbox.controller("byo", model_server=NEW):
        await eventually(lambda: serves(sandbox, "2", 2))
        undo(sandbox, "1")
        await eventually(lambda: serves(sandbox, "1", 1))
        pinned = "True/RevisionPinned"
        await eventually(lambda: sandbox.status_and_reason("ws", "InferenceReady") == pinned)
        assert revision(sandbox)["undo"] == {"revision": 1, "generation": 1, "holds": True}
        undo(sandbox, None)
        await eventually(lambda: serves(sandbox, "2", 2) and "undo" not in revision(sandbox))
    # The same configuration again gets another number, and its data stays as it is.
    async with sandbox.controller("byo", model_server=OLD):
        await eventually(lambda: serves(sandbox, "1", 3))
    kept = [r for r in sandbox.all(kinds.CONTROLLER_REVISION) if r["metadata"]["name"][:3] == "ws-"]
    assert sorted(each["revision"] for each in kept) == [2, 3]
    owners = [each["metadata"]["ownerReferences"][0]["kind"] for each in kept]
    assert owners == ["Workspace", "Workspace"]
