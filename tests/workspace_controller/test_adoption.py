"""Workspaces that KAITO served or tuned before the upgrade: nothing of it is replaced."""

import copy
from typing import Any

from kaito_kube import kinds
from kaito_kube.kinds import NODE_CLAIM, Key, Manifest
from tests.workspace_controller import kaito
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    own_node,
    settings,
    tuning,
    tuning_workspace,
)
from tests.workspace_controller.harness import Environment

NODE = "aks-ws8f4a1c03d-1-vmss000000"
IMAGE = "mcr.microsoft.com/aks/kaito/kaito-base:0.5.0"
KEY = Key(NAMESPACE, "ws")


def adopting(manifest: Manifest) -> Environment:
    """A Workspace of KAITO's with its NodeClaim and node."""
    environment = Environment(settings(node_provisioner="nodeclaim"))
    environment.push_secret()
    environment.apply({**manifest, "status": kaito.status(NODE)})
    owner = {"kaito.sh/workspace": "ws", "kaito.sh/workspacenamespace": NAMESPACE}
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
    claim = {"metadata": {"name": "ws8f4a1c03d", "labels": owner}, "spec": {}}
    environment.cluster.seed(NODE_CLAIM, {**claim, "status": {"conditions": [ready]}})
    environment.cluster.seed(kinds.NODE, own_node(NODE))
    return environment


def served_by_kaito(*, ready: bool = True, **changes: Any) -> Environment:
    annotations = kaito.annotations()
    environment = adopting(inference_workspace(annotations=annotations, **changes))
    workspace = environment.workspace()
    serving = environment.cluster.seed(kinds.STATEFUL_SET, kaito.stateful_set(workspace, IMAGE))
    for service in kaito.services(workspace):
        environment.cluster.seed(kinds.SERVICE, service)
    environment.cluster.seed(kinds.POD, kaito.pod_of(serving, NODE, ready=ready))
    return environment


def tuned_by_kaito(*conditions: str, **changes: Any) -> Environment:
    """`conditions` of its Job are True."""
    annotations = kaito.annotations()
    environment = adopting(tuning_workspace(annotations=annotations, **changes))
    job = kaito.tuning_job(environment.workspace(), IMAGE)
    has = [{"type": type_, "status": "True", "message": "backoff limit"} for type_ in conditions]
    made = environment.cluster.seed(kinds.JOB, {**job, "status": {"conditions": has}})
    environment.cluster.seed(kinds.POD, kaito.pod_of(made, NODE))
    return environment


def objects(environment: Environment) -> list[Manifest]:
    """All but the Workspaces and the events, without what the fake counts."""
    present = (kinds.NODE, NODE_CLAIM, kinds.STATEFUL_SET, kinds.DEPLOYMENT, kinds.JOB)
    found = [*present, kinds.POD, kinds.SERVICE, kinds.NETWORK_POLICY]
    return copy.deepcopy([each for kind in found for each in environment.cluster.objects(kind)])


def condition(environment: Environment, type_: str) -> tuple[str, str]:
    """Status and reason, and the message."""
    conditions = environment.workspace()["status"]["conditions"]
    found = next(c for c in conditions if c["type"] == type_)
    return f"{found['status']}/{found['reason']}", found["message"]


async def test_model_that_kaito_serves_goes_on_and_no_object_is_touched() -> None:
    environment = served_by_kaito()
    before = objects(environment)
    await environment.settle()
    assert objects(environment) == before
    assert condition(environment, "InferenceReady") == (
        "True/WorkloadAdopted",
        "the model answers requests from StatefulSet ws, which KAITO created and which is kept as "
        "it is; to serve the model with this release, kubectl delete statefulset ws -n team",
    )
    assert condition(environment, "WorkspaceReady")[0] == "True/WorkspaceReady"
    status = environment.workspace()["status"]
    assert (status["state"], status["workerNodes"]) == ("Ready", [NODE])


async def test_preset_that_only_kaito_has_is_served_on() -> None:
    environment = served_by_kaito(inference=inference(preset={"name": "llama-9"}))
    before = objects(environment)
    await environment.settle()
    assert objects(environment) == before
    status, message = condition(environment, "InferenceReady")
    assert status == "True/WorkloadAdopted"
    assert "this release cannot serve the Workspace itself: inference.preset.name: 'llama-9'" in (
        message
    )
    assert condition(environment, "ResourceReady")[0] == "True/NodesReady"


async def test_a_model_of_the_hub_that_kaito_serves_is_served_on_without_asking_the_hub() -> None:
    environment = served_by_kaito(inference=inference(preset={"name": "Qwen/Qwen3.8-99B"}))
    before = objects(environment)
    await environment.settle()
    assert objects(environment) == before
    assert condition(environment, "InferenceReady")[0] == "True/WorkloadAdopted"
    assert condition(environment, "ResourceReady")[0] == "True/NodesReady"
    assert environment.hub.calls == []


async def test_own_pods_that_kaito_runs_are_kept() -> None:
    template = {"spec": {"containers": [{"name": "own", "image": "registry.local/own:1"}]}}
    environment = served_by_kaito(inference={"template": template})
    before = objects(environment)
    await environment.settle()
    assert objects(environment) == before
    assert condition(environment, "InferenceReady")[0] == "True/WorkloadAdopted"


async def test_pod_of_kaito_that_is_not_ready_is_waited_for() -> None:
    environment = served_by_kaito(ready=False)
    before = objects(environment)
    await environment.settle()
    assert objects(environment) == before
    status, message = condition(environment, "InferenceReady")
    assert status == "False/InferencePending"
    assert message.startswith("0 of 1 pods are ready of StatefulSet ws, which KAITO created")


async def test_change_of_the_workspace_does_not_replace_what_kaito_serves() -> None:
    environment = served_by_kaito()
    await environment.settle()
    before = objects(environment)
    adapter = {"source": {"name": "style", "image": "registry.local/style:1"}}
    environment.cluster.change(kinds.WORKSPACE, KEY, {"inference": {"adapters": [adapter]}})
    await environment.settle()
    assert objects(environment) == before


async def test_model_is_served_by_this_release_once_the_stateful_set_is_deleted() -> None:
    environment = served_by_kaito()
    await environment.settle()
    environment.cluster.change(kinds.STATEFUL_SET, KEY, None)
    await environment.settle()
    assert condition(environment, "InferenceReady")[0] == "True/InferenceReady"
    assert len(environment.cluster.objects(kinds.DEPLOYMENT)) == 1
    service = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert service is not None and service["spec"]["selector"]["kaito.sh/role"] == "inference"
    assert len(environment.cluster.objects(NODE_CLAIM)) == 1


async def test_deletion_deletes_what_kaito_created_and_the_claim() -> None:
    environment = served_by_kaito()
    await environment.settle()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await environment.replica.round()
    assert environment.cluster.objects(kinds.STATEFUL_SET) == []
    await environment.settle()
    assert environment.cluster.objects(NODE_CLAIM) == []
    assert environment.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_run_of_kaito_is_left_to_finish() -> None:
    environment = tuned_by_kaito()
    before = objects(environment)
    await environment.settle()
    assert environment.cluster.objects(kinds.JOB) == [j for j in before if "template" in j["spec"]]
    assert condition(environment, "TuningSucceeded") == (
        "Unknown/TuningRunning",
        "Job ws, which KAITO created, is training: kubectl logs job/ws -n team shows its progress",
    )


async def test_finished_run_of_kaito_is_not_repeated_and_its_adapter_is_served() -> None:
    environment = tuned_by_kaito("Complete")
    await environment.settle()
    assert environment.world.runs_seen == set()
    assert condition(environment, "TuningSucceeded") == (
        "True/TuningSucceeded",
        "the adapter is in registry.local/adapters/phi:1",
    )
    assert condition(environment, "InferenceReady")[0] == "True/InferenceReady"
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    assert "registry.local/adapters/phi:1" in str(deployment["spec"])


async def test_failed_run_of_kaito_says_how_to_train_again() -> None:
    environment = tuned_by_kaito("Failed")
    await environment.settle()
    status, message = condition(environment, "TuningSucceeded")
    assert status == "False/TrainingFailed"
    assert message == (
        "Job ws, which KAITO created, has failed: backoff limit; to train with this release, "
        "kubectl delete job ws -n team"
    )
    environment.cluster.change(kinds.JOB, KEY, None)
    await environment.settle()
    assert condition(environment, "InferenceReady")[0] == "True/InferenceReady"


async def test_changed_output_of_a_finished_run_of_kaito_trains_again() -> None:
    environment = tuned_by_kaito("Complete")
    await environment.settle()
    output = {"image": "registry.local/adapters/phi:2", "imagePushSecret": "push"}
    environment.cluster.change(kinds.WORKSPACE, KEY, {"tuning": tuning(output=output)})
    await environment.settle(60)
    assert len(environment.world.runs_seen) == 1
    assert condition(environment, "InferenceReady")[0] == "True/InferenceReady"


async def test_workspace_that_kaito_never_saw_costs_no_call() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.settle()
    asked = [
        c for c in environment.cluster.calls if c.verb == "get" and c.kind is kinds.STATEFUL_SET
    ]
    assert asked == []
