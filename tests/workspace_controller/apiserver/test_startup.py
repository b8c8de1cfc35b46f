"""How long a start took, as a real API server stores it in the status.

No kubelet runs, so the test plays it.
"""

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually

PERFORMANCE: Manifest = {
    "engine": "vllm 0.33.0",
    "metrics": {
        "tokensPerSecond": {"value": "38.0", "unit": "tokens/s"},
        "peakTokensPerMinute": {"value": "24630", "unit": "tokens/min", "concurrency": 16},
    },
}


def startup(sandbox: Sandbox) -> Manifest:
    found = sandbox.get(kinds.WORKSPACE, "ws") or {}
    recorded: Manifest = (found.get("status") or {}).get("startup") or {}
    return recorded


def start_pod(sandbox: Sandbox) -> str:
    """The Deployment's pod, which pulled its image for 45 seconds. Returns its UID."""
    deployment = sandbox.get(kinds.DEPLOYMENT, "ws") or {}
    template = deployment["spec"]["template"]
    own = {"containers": [{"name": "own", "image": "registry.local/own:1"}]}
    metadata = {"name": "ws-1", "labels": template["metadata"]["labels"]}
    made = sandbox.create(kinds.POD, {"metadata": metadata, "spec": own})
    times = {"PodScheduled": "2026-01-01T00:00:10Z", "Ready": "2026-01-01T00:01:00Z"}
    conditions = [
        {"type": type_, "status": "True", "lastTransitionTime": time}
        for type_, time in times.items()
    ]
    state = {"running": {"startedAt": "2026-01-01T00:00:55Z"}}
    image = {"image": "registry.local/own:1", "imageID": "", "ready": True, "restartCount": 0}
    status = {
        "conditions": conditions,
        "containerStatuses": [{"name": "own", "state": state, **image}],
    }
    sandbox.set_status(kinds.POD, "ws-1", status)
    replicas = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    generation = deployment["metadata"]["generation"]
    sandbox.set_status(kinds.DEPLOYMENT, "ws", {"observedGeneration": generation, **replicas})
    return str(made["metadata"]["uid"])


async def test_the_start_is_stored_once_and_survives_the_controller(sandbox: Sandbox) -> None:
    sandbox.node("node-a")
    sandbox.workspace(byo=True)
    async with sandbox.controller("byo"):
        await eventually(lambda: sandbox.get(kinds.DEPLOYMENT, "ws"))
        uid = start_pod(sandbox)
        await eventually(lambda: startup(sandbox))
        recorded = startup(sandbox)
        assert recorded["podUID"] == uid and recorded["pullSeconds"] == 45
        assert recorded["readyTime"] == "2026-01-01T00:01:00Z"
    sandbox.set_status(kinds.WORKSPACE, "ws", {"performance": PERFORMANCE})
    running = {"state": {"running": {"startedAt": "2026-01-01T09:00:00Z"}}}
    image = {"image": "registry.local/own:1", "imageID": "", "ready": True, "restartCount": 1}
    sandbox.set_status(
        kinds.POD, "ws-1", {"containerStatuses": [{"name": "own", **running, **image}]}
    )
    async with sandbox.controller("byo"):
        # Something that shows in the status, and so that a pass has seen the pod again.
        annotations = {"metadata": {"annotations": {labels.UNDO_TO_REVISION: "9"}}}
        sandbox.patch(kinds.WORKSPACE, "ws", annotations)
        unknown = "True/RevisionNotFound"
        await eventually(lambda: sandbox.status_and_reason("ws", "InferenceReady") == unknown)
        found = sandbox.get(kinds.WORKSPACE, "ws") or {}
        assert found["status"]["performance"] == PERFORMANCE
        assert startup(sandbox) == recorded
