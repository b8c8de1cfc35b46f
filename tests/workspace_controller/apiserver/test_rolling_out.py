"""A wrong image tag on a real API server, with the real work queue: one Workspace at a time.

No controller of Kubernetes runs, so the test plays those that report about Deployments and pods.
"""

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, eventually
from tests.workspace_controller.given import PRESET
from workspace_controller.settings import PodSettings

NAMES = ("a", "b", "c")
GOOD, WRONG = (PodSettings(image=f"registry.local/model-server:{tag}") for tag in ("1", "nope"))


def serve(sandbox: Sandbox) -> None:
    for name in NAMES:
        sandbox.node(f"node-{name}", app=name)
        sandbox.create(
            kinds.WORKSPACE,
            {
                "metadata": {"name": name},
                "resource": {"labelSelector": {"matchLabels": {"app": name}}},
                "inference": {"preset": {"name": PRESET}},
            },
        )


def deployment(sandbox: Sandbox, name: str) -> Manifest:
    return sandbox.get(kinds.DEPLOYMENT, name) or {}


def image(sandbox: Sandbox, name: str) -> str:
    made = deployment(sandbox, name)
    return str(made["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def report(sandbox: Sandbox, name: str, *, ready: int) -> None:
    """What the Deployment's controller reports of its newest template."""
    generation = deployment(sandbox, name)["metadata"]["generation"]
    status = {
        "observedGeneration": generation,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": ready,
    }
    sandbox.set_status(kinds.DEPLOYMENT, name, status)


def cannot_pull(sandbox: Sandbox, name: str) -> None:
    """Creates the Deployment's pod, whose image the kubelet cannot pull."""
    template = deployment(sandbox, name)["spec"]["template"]
    own = {"containers": [{"name": "model-server", "image": WRONG.image}]}
    sandbox.create(
        kinds.POD,
        {"metadata": {"name": f"{name}-1", "labels": template["metadata"]["labels"]}, "spec": own},
    )
    waiting = {"reason": "ImagePullBackOff", "message": "nope: not found"}
    found = {"name": "model-server", "image": WRONG.image, "state": {"waiting": waiting}}
    status = {"containerStatuses": [{**found, "ready": False, "restartCount": 0, "imageID": ""}]}
    sandbox.set_status(kinds.POD, f"{name}-1", status)


def reasons(sandbox: Sandbox) -> list[str]:
    return [sandbox.status_and_reason(name, "InferenceReady") for name in NAMES]


def answers(sandbox: Sandbox, updated: str) -> bool:
    """Whether all are ready, while the status of the updated Deployment follows its generation,
    which increases once more when its mark is taken off."""
    report(sandbox, updated, ready=1)
    return reasons(sandbox) == ["True/InferenceReady"] * 3


async def test_wrong_tag_changes_one_deployment_and_the_way_back_resumes(sandbox: Sandbox) -> None:
    serve(sandbox)
    async with sandbox.controller("byo", model_server=GOOD):
        await eventually(lambda: all(deployment(sandbox, name) for name in NAMES))
        for name in NAMES:
            report(sandbox, name, ready=1)
        await eventually(lambda: reasons(sandbox) == ["True/InferenceReady"] * 3)
    async with sandbox.controller("byo", model_server=WRONG):
        await eventually(lambda: reasons(sandbox).count("True/UpdateWaiting") == 2)
        (updated,) = (name for name in NAMES if image(sandbox, name) == "nope")
        report(sandbox, updated, ready=0)
        cannot_pull(sandbox, updated)
        others = [name for name in NAMES if name != updated]
        await eventually(lambda: reasons(sandbox).count("True/UpdateHeld") == 2)
        message = sandbox.message(updated, "InferenceReady")
        assert "cannot pull image registry.local/model-server:nope" in message
        assert f"Workspace {sandbox.namespace}/{updated} does not become ready" in sandbox.message(
            others[0], "InferenceReady"
        )
        assert [image(sandbox, name) for name in others] == ["1", "1"]
    async with sandbox.controller("byo", model_server=GOOD):
        await eventually(lambda: image(sandbox, updated) == "1")
        await eventually(lambda: reasons(sandbox).count("True/InferenceReady") == 2)
        sandbox.delete(kinds.POD, f"{updated}-1")
        await eventually(lambda: answers(sandbox, updated))
