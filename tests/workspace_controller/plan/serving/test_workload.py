"""The workload that serves a model, and the condition InferenceReady."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kaito_api.conditions import merge, true
from kaito_api.reasons import Reason
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Key, Manifest
from tests.workspace_controller.given import (
    claim,
    container,
    inference,
    inference_workspace,
    observation,
    own_node,
    pod,
    resource,
    settings,
    stored,
)
from workspace_controller.manifests.workload import updated
from workspace_controller.observed import Observed, OngoingUpdate, RejectedAdapter, UserFile
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.plan import Apply, Delete
from workspace_controller.plan.serving.updates.update import is_marked
from workspace_controller.plan.serving.workload import ServingPlan, decide_serving, delete_workloads
from workspace_controller.settings import PodSettings

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
NODE = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}


def seen(manifest: Manifest | None = None, **changes: Any) -> Observed:
    return observation(stored(manifest or inference_workspace()), **{**NODE, **changes})


def decided(observed: Observed, target: int = 1) -> ServingPlan:
    assert observed.spec is not None
    return decide_serving(
        observed, observed.spec, decide_nodes(observed, observed.spec, target), None
    )


def applied(observed: Observed, target: int = 1) -> Manifest:
    (action,) = decided(observed, target).actions
    assert isinstance(action, Apply)
    return action.manifest


def present(observed: Observed, target: int = 1, **status: Any) -> Manifest:
    """The workload as the API server has it after it was applied."""
    made = applied(observed, target)
    metadata = {**made["metadata"], "generation": 1, "uid": "workload-1"}
    return {**made, "metadata": metadata, "status": {"observedGeneration": 1, **status}}


IS = present(seen())
READY = {**IS, "status": {"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1}}
SERVES = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}

BACK_OFF = {"reason": "CrashLoopBackOff"}
LOADS = (pod("inference", containerStatuses=[container("model-server", **SERVES)]),)
CANNOT_PULL = (
    pod(
        "inference",
        containerStatuses=[container("model-server", waiting={"reason": "ImagePullBackOff"})],
    ),
)

CONDITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no nodes": ({"nodes": ()}, "False/InferencePending"),
    "being created": ({}, "False/InferencePending"),
    "created, no pod": ({"deployment": IS}, "False/InferencePending"),
    "pod starts": ({"deployment": IS, "pods": (pod("inference"),)}, "False/InferencePending"),
    "model loads": (
        {
            "deployment": IS,
            "pods": (pod("inference", containerStatuses=[container("model-server", **SERVES)]),),
        },
        "False/ModelLoading",
    ),
    "ready": ({"deployment": READY}, "True/InferenceReady"),
    "ready while a node is away": ({"deployment": READY, "nodes": ()}, "True/InferenceReady"),
    "status of the previous generation": (
        {"deployment": {**READY, "metadata": {**READY["metadata"], "generation": 2}}},
        "False/InferencePending",
    ),
    "scaled by hand": (
        {"deployment": {**READY, "spec": {**READY["spec"], "replicas": 3}}},
        "False/InferencePending",
    ),
    "being deleted": (
        {"deployment": {**READY, "metadata": {**READY["metadata"], "deletionTimestamp": "x"}}},
        "False/InferencePending",
    ),
    "image missing": (
        {
            "deployment": IS,
            "pods": (
                pod(
                    "inference",
                    containerStatuses=[
                        container("model-server", waiting={"reason": "ImagePullBackOff"})
                    ],
                ),
            ),
        },
        "False/ImagePullFailed",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_inference_condition(changes: dict[str, Any], expected: str) -> None:
    condition = decided(seen(**changes)).condition
    assert f"{condition.status}/{condition.reason}" == expected


ANSWERS = true("InferenceReady", Reason.INFERENCE_READY, "the model answers requests")


def test_ready_model_stays_ready_until_its_deployment_is_observed() -> None:
    """A Deployment's generation increases with its annotations, too, and its status lags."""
    changed = {**READY, "metadata": {**READY["metadata"], "generation": 2}}
    status = {"conditions": merge([], [ANSWERS], MOMENT)}
    observed = seen({**inference_workspace(), "status": status}, deployment=changed)
    assert decided(observed).condition == ANSWERS


ROOMY = {"cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8"}
ROOMY_NODE = {**own_node(), "status": {**own_node()["status"], "allocatable": ROOMY}}


@pytest.mark.parametrize(
    ("node", "expected"),
    [(own_node(), "False/InferencePending"), (ROOMY_NODE, "True/Updating")],
    ids=["the old pod ends first", "the new pod starts beside it"],
)
def test_model_answers_on_while_its_update_has_room(node: Manifest, expected: str) -> None:
    pods = PodSettings(image="new", resources={"requests": {"cpu": "1", "memory": "1Gi"}})
    newer = settings(model_server=pods, gateway=pods)
    found = decided(seen(deployment=READY, nodes=(node,), settings=newer)).condition
    assert f"{found.status}/{found.reason}" == expected


def test_out_of_memory_is_a_permanent_failure() -> None:
    last = {"exitCode": 137, "reason": "OOMKilled"}
    waits = container("model-server", last=last, waiting={"reason": "CrashLoopBackOff"})
    serving = decided(seen(deployment=IS, pods=(pod("inference", containerStatuses=[waits]),)))
    assert serving.failed and serving.condition.reason == "OutOfMemory"


def test_failure_of_a_deleted_pod_is_ignored() -> None:
    old = pod("inference", containerStatuses=[container("x", terminated={"exitCode": 1})])
    old["metadata"]["deletionTimestamp"] = "x"
    condition = decided(seen(deployment=IS, pods=(old,))).condition
    assert condition.reason == "InferencePending"


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({"nodes": ()}, 0),
        ({}, 1),
        ({"deployment": IS}, 0),
        ({"deployment": READY, "nodes": ()}, 0),
        ({"deployment": {**IS, "spec": {**IS["spec"], "replicas": 3}}}, 1),
        ({"deployment": {**READY, "metadata": {**READY["metadata"], "annotations": {}}}}, 1),
        ({"deployment": {**IS, "metadata": {**IS["metadata"], "deletionTimestamp": "x"}}}, 0),
    ],
    ids=["no node", "first", "right", "right, node away", "scaled", "changed", "being deleted"],
)
def test_workload_is_applied_when_it_differs(changes: dict[str, Any], actions: int) -> None:
    assert len(decided(seen(**changes)).actions) == actions


def test_model_that_spans_nodes_is_a_stateful_set() -> None:
    spanning = seen(nodes=(own_node("a"), own_node("b")), settings=settings(max_model_nodes=2))
    (action,) = decided(spanning, 2).actions
    assert isinstance(action, Apply) and action.kind is STATEFUL_SET
    assert action.manifest["spec"]["replicas"] == 2


def test_workload_of_the_other_kind_is_deleted() -> None:
    observed = seen(stateful_set={"metadata": {"name": "ws"}})
    assert Delete(STATEFUL_SET, "ws", "team") in decided(observed).actions


def test_workloads_are_deleted_once() -> None:
    deleting = {"metadata": {"name": "ws", "deletionTimestamp": "x"}}
    observed = seen(deployment=IS, stateful_set=deleting)
    assert delete_workloads(observed) == (Delete(DEPLOYMENT, "ws", "team"),)


def test_adapters_are_served_with_their_strength() -> None:
    adapters = [
        {"source": {"name": "style", "image": "r/style:1"}, "strength": "0.5"},
        {"source": {"name": "tone", "volumeSource": {"emptyDir": {}}}},
    ]
    observed = seen(inference_workspace(inference=inference(adapters=adapters)))
    spec = applied(observed)["spec"]["template"]["spec"]
    env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    assert env["KAITO_ADAPTER_STRENGTHS"] == '{"style": 0.5, "tone": 1.0}'
    assert "KAITO_DEFAULT_ADAPTER" not in env
    mounts = {m["mountPath"]: m.get("subPath") for m in spec["containers"][0]["volumeMounts"]}
    assert (mounts["/mnt/adapters/style"], mounts["/mnt/adapters/tone"]) == ("data", None)


def test_context_length_comes_from_the_users_configuration() -> None:
    file = UserFile("team", "mine", "inference_config.yaml", "vllm: {max-model-len: 1024}")
    observed = seen(inference_workspace(inference=inference(config="mine")), file=file)
    env = {e["name"]: e.get("value") for e in
           applied(observed)["spec"]["template"]["spec"]["containers"][0]["env"]}  # fmt: skip
    assert env["KAITO_MAX_MODEL_LEN"] == "1024"


def test_private_model_is_pulled_with_its_secrets() -> None:
    preset = {
        "name": "phi-3-mini-128k-instruct",
        "accessMode": "private",
        "presetOptions": {"image": "mine/phi:2", "imagePullSecrets": ["pull"]},
    }
    spec = applied(seen(inference_workspace(inference=inference(preset=preset))))
    pod_spec = spec["spec"]["template"]["spec"]
    assert pod_spec["imagePullSecrets"] == [{"name": "pull"}]
    assert pod_spec["volumes"][0]["image"]["reference"] == "mine/phi:2"


def test_custom_template_runs_one_pod_per_node() -> None:
    template = {"spec": {"containers": [{"name": "own", "image": "i"}]}}
    manifest = inference_workspace(resource=resource(count=2), inference={"template": template})
    made = applied(seen(manifest, nodes=(own_node("a"), own_node("b"))), 2)
    assert made["spec"]["replicas"] == 2


@pytest.mark.parametrize(("rejected", "seconds"), [(None, 30.0), ((), None)])
def test_adapters_are_asked_for_again_until_a_pod_answers(
    rejected: tuple[RejectedAdapter, ...] | None, seconds: float | None
) -> None:
    adapters = [{"source": {"name": "a", "image": "registry.local/a:1"}}]
    manifest = inference_workspace(inference=inference(adapters=adapters))
    ready = pod("inference", podIP="10.0.0.1", conditions=[{"type": "Ready", "status": "True"}])
    status = {"readyReplicas": 1, "updatedReplicas": 1}
    plan = decided(
        seen(
            manifest,
            deployment=present(seen(manifest), **status),
            pods=(ready,),
            rejected_adapters=rejected,
        )
    )
    assert plan.condition.is_true
    assert plan.requeue_after_seconds == seconds


FORBIDDEN = 'pods "ws-x" is forbidden: exceeded quota: team-quota, requested: requests.cpu=4'
REPLICA_FAILURE = {
    "type": "ReplicaFailure",
    "status": "True",
    "reason": "FailedCreate",
    "message": FORBIDDEN,
}


@pytest.mark.parametrize("pods", [(), LOADS], ids=["no pod", "old pods still run"])
def test_forbidden_pod_of_a_deployment_is_said(pods: tuple[Manifest, ...]) -> None:
    workload = present(seen(), conditions=[REPLICA_FAILURE])
    plan = decided(seen(deployment=workload, pods=pods))
    assert (plan.condition.status, plan.condition.reason) == ("False", "PodForbidden")
    assert FORBIDDEN in plan.condition.message and "raise ResourceQuota" in plan.condition.message
    assert not plan.failed


def test_replica_failure_that_passed_is_not_said() -> None:
    passed = present(seen(), conditions=[{**REPLICA_FAILURE, "status": "False"}])
    assert decided(seen(deployment=passed)).condition.reason == "InferencePending"


def test_forbidden_pod_of_a_stateful_set_is_said_and_looked_at_again() -> None:
    given: dict[str, Any] = {
        "nodes": (own_node("a"), own_node("b")),
        "settings": settings(max_model_nodes=2),
    }
    given["stateful_set"] = present(seen(**given), 2)
    plan = decided(seen(**given, forbidden_pods={"workload-1": FORBIDDEN}), 2)
    assert plan.condition.reason == "PodForbidden" and plan.requeue_after_seconds == 10.0


def templated(*, probed: bool = False, ports: bool = False) -> Manifest:
    own: Manifest = {"name": "own", "image": "i"}
    if probed:
        own["readinessProbe"] = {"httpGet": {"port": 8000, "path": "/health"}}
    if ports:
        own["ports"] = [{"name": "http", "containerPort": 8000}]
    return inference_workspace(inference={"template": {"spec": {"containers": [own]}}})


def own_pod(manifest: Manifest, **status: Any) -> Manifest:
    spec = manifest["inference"]["template"]["spec"]
    return {**pod("inference", containerStatuses=[{"name": "own", **status}]), "spec": spec}


RUNS = {"running": {"startedAt": "2026-01-01T11:59:55Z"}}
FINISHED = {"terminated": {"exitCode": 0}}
LOOPS = "container own ended with exit code 0, and is restarted: a server must not end"


@pytest.mark.parametrize(
    ("manifest", "ready", "status", "expected"),
    [
        (templated(), 1, {"state": RUNS, "ready": True},
         "True/InferenceReady: the pods of inference.template are ready; they declare no "
         "containerPort, so there is no Service"),
        (templated(ports=True), 1, {"state": RUNS, "ready": True},
         "True/InferenceReady: the pods of inference.template are ready; Service ws leads to their "
         "port 8000"),
        (templated(), 1, {"state": RUNS, "ready": True, "lastState": FINISHED},
         f"False/ContainerCrashed: {LOOPS}"),
        (templated(), 0, {"state": {"waiting": BACK_OFF}, "lastState": FINISHED},
         f"False/ContainerCrashed: {LOOPS}"),
        (templated(probed=True), 1, {"state": RUNS, "ready": True, "lastState": FINISHED},
         "True/InferenceReady: the pods of inference.template are ready; they declare no "
         "containerPort, so there is no Service"),
        (templated(probed=True), 0, {"state": RUNS, "ready": False},
         "False/InferencePending: container own runs and does not pass its readiness probe "
         "(GET :8000/health)"),
        (templated(), 0, {"state": {"waiting": {"reason": "ContainerCreating"}}},
         "False/InferencePending: starting the pods of inference.template"),
    ],
    ids=["ready", "with a port", "crash loop, running again", "crash loop, waiting",
         "restarted and probed", "probe fails", "starts"],
)  # fmt: skip
def test_own_pods_are_ready_by_readiness_restarts_and_last_exit(
    manifest: Manifest, ready: int, status: Manifest, expected: str
) -> None:
    workload = present(seen(manifest), readyReplicas=ready, updatedReplicas=1)
    plan = decided(seen(manifest, deployment=workload, pods=(own_pod(manifest, **status),)))
    condition = plan.condition
    assert f"{condition.status}/{condition.reason}: {condition.message}" == expected


def test_failing_probe_is_named_when_the_deadline_is_over() -> None:
    manifest = templated(probed=True)
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    workload = present(seen(manifest), updatedReplicas=1, conditions=[late])
    status = {"state": RUNS, "ready": False}
    plan = decided(seen(manifest, deployment=workload, pods=(own_pod(manifest, **status),)))
    assert plan.condition.reason == "ContainerCrashed"
    assert plan.condition.message == (
        "no pod has become ready in 2400 seconds: container own runs and does not pass its "
        "readiness probe (GET :8000/health)"
    )


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}


@pytest.mark.parametrize("marked", [True, False], ids=["of the release", "of the user"])
def test_old_pod_ends_first_where_the_new_one_finds_no_room_beside_it(marked: bool) -> None:
    made = present(seen(), readyReplicas=1, updatedReplicas=1, replicas=2)
    surging = updated(made, surge=True, updating=marked)
    plan = decided(seen(deployment=surging, pods=(pod("inference", conditions=[UNSCHEDULABLE]),)))
    (action,) = plan.actions
    assert isinstance(action, Apply)
    assert action.manifest["spec"]["strategy"] == {"type": "Recreate", "rollingUpdate": None}
    assert is_marked(action.manifest) is marked
    assert (plan.condition.status, plan.condition.reason) == ("True", "Updating")
    recreating = updated(made, surge=False, updating=marked)
    again = seen(deployment=recreating, pods=(pod("inference", conditions=[UNSCHEDULABLE]),))
    assert decided(again).actions == () and decided(again).condition.reason == "Updating"


def test_lack_of_room_is_no_way_around_the_turn() -> None:
    made = present(seen(), readyReplicas=1, updatedReplicas=1, replicas=2)
    surging = updated(made, surge=True, updating=False)
    plan = decided(
        seen(
            deployment=surging,
            pods=(pod("inference", conditions=[UNSCHEDULABLE]),),
            settings=settings(preset_registry="mirror.local"),
            other_update=OngoingUpdate(Key("team", "other"), failed=True),
        )
    )
    assert plan.actions == () and plan.condition.reason == "UpdateHeld"


@pytest.mark.parametrize(
    ("ends", "expected"), [(True, "InferencePending"), (False, "UpdateFailed")]
)
def test_new_pod_that_waits_for_the_end_of_the_old_one_has_not_failed(
    ends: bool, expected: str
) -> None:
    old = pod("inference", name="old")
    old["metadata"]["deletionTimestamp"] = "x"
    pods = (pod("inference", conditions=[UNSCHEDULABLE]), *((old,) if ends else ()))
    made = updated(present(seen(), updatedReplicas=1, replicas=1), surge=False, updating=True)
    assert decided(seen(deployment=made, pods=pods)).condition.reason == expected


def test_update_beside_the_old_pod_says_so() -> None:
    made = present(seen(), readyReplicas=1, updatedReplicas=1, replicas=2)
    plan = decided(seen(deployment=updated(made, surge=True, updating=True), pods=LOADS))
    condition = plan.condition
    assert f"{condition.status}/{condition.reason}: {condition.message}" == (
        "True/Updating: the model answers requests from its old pod while the new one starts"
    )
