"""The condition InferenceReady of a Workspace that has a workload."""

from collections.abc import Sequence
from dataclasses import dataclass

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, from_manifest, true
from kaito_api.manifest import Opaque
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.manifests.own_engine_pod import OwnEngine
from workspace_controller.manifests.serving_containers import MODEL_SERVER
from workspace_controller.observed import Observed, OngoingUpdate
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.probes import unready_reason
from workspace_controller.plan.pods.status import container_state
from workspace_controller.plan.serving.adapters.served import ready_condition
from workspace_controller.plan.serving.engines.own_engine import own_engine
from workspace_controller.plan.serving.engines.template_ports import http_port
from workspace_controller.plan.serving.health import downloading_pods, serving_pods
from workspace_controller.plan.serving.start.download import download_message
from workspace_controller.plan.serving.updates.undo_condition import with_undo
from workspace_controller.plan.serving.updates.update import Update
from workspace_controller.plan.serving.workload_state import WorkloadState

_TYPE = condition_types.INFERENCE_READY


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFacts:
    """`changed`: the pods differ from the wanted ones. `marked`: it is this Workspace's turn.

    `surges`: an update starts the new pod beside the old one.
    """

    state: WorkloadState
    changed: bool
    surges: bool
    update: Update
    marked: bool
    failure: Failure | None
    other: OngoingUpdate | None


def inference_condition(observed: Observed, facts: InferenceFacts) -> Condition:
    """A model that answers is ready, whatever its update does; the reason says the latter."""
    before = observed.condition(_TYPE)
    if facts.state is WorkloadState.UNOBSERVED and before:
        return from_manifest(before)
    return with_undo(observed, _condition(observed, facts))


def _condition(observed: Observed, facts: InferenceFacts) -> Condition:
    if facts.state.answers and facts.update is Update.WAIT:
        return _waiting(observed, facts)
    if facts.state is WorkloadState.COMPLETE and not facts.changed:
        return _ready(observed)
    if facts.state is WorkloadState.ANSWERING or _starts_beside_the_old(facts):
        return _answering(facts)
    if facts.failure is not None:
        return _failed(facts, facts.failure)
    return _starting(observed)


def _starts_beside_the_old(facts: InferenceFacts) -> bool:
    return facts.state is WorkloadState.COMPLETE and facts.surges


def _ready(observed: Observed) -> Condition:
    template = _template(observed)
    if template is None or own_engine(observed) is not None:
        return ready_condition(observed)
    port = http_port(template)
    where = (
        f"Service {observed.owner.name} leads to their port {port}"
        if port is not None
        else "they declare no containerPort, so there is no Service"
    )
    return true(_TYPE, Reason.INFERENCE_READY, f"the pods of inference.template are ready; {where}")


def _template(observed: Observed) -> Opaque | None:
    inference = observed.spec.inference if observed.spec is not None else None
    return inference.template if inference is not None else None


def _waiting(observed: Observed, facts: InferenceFacts) -> Condition:
    ready = _ready(observed)
    if ready.reason != Reason.INFERENCE_READY:
        return ready
    other = facts.other
    if other is not None and other.failed:
        message = (
            f"{ready.message} with the release's old configuration; the new one is held back, "
            f"because Workspace {other.workspace} does not become ready with it"
        )
        return true(_TYPE, Reason.UPDATE_HELD, message)
    message = (
        f"{ready.message}; the release's new configuration waits for its turn: it is rolled out to "
        "one Workspace at a time"
    )
    return true(_TYPE, Reason.UPDATE_WAITING, message)


def _answering(facts: InferenceFacts) -> Condition:
    before = "the model answers requests from its old pod"
    if facts.failure is None:
        return true(_TYPE, Reason.UPDATING, f"{before} while the new one starts")
    message = f"{before}; its new pod does not become ready: {facts.failure.message}"
    return true(_TYPE, Reason.UPDATE_FAILED, f"{message}{_holds(facts)}")


def _failed(facts: InferenceFacts, failure: Failure) -> Condition:
    if not facts.marked:
        return false(_TYPE, failure.reason, failure.message)
    message = "the pod with the release's new configuration does not become ready: "
    return false(_TYPE, Reason.UPDATE_FAILED, f"{message}{failure.message}{_holds(facts)}")


def _holds(facts: InferenceFacts) -> str:
    return "; all other Workspaces keep their configuration meanwhile" if facts.marked else ""


def _starting(observed: Observed) -> Condition:
    pods = serving_pods(observed)
    if (own := own_engine(observed)) is not None:
        return _starting_own_engine(pods, own)
    if _template(observed) is not None:
        probe = next((why for pod in pods if (why := unready_reason(pod))), "")
        message = probe or "starting the pods of inference.template"
        return false(_TYPE, Reason.INFERENCE_PENDING, message)
    if downloading_pods(observed):
        return false(_TYPE, Reason.MODEL_LOADING, download_message(observed.download))
    if any("running" in container_state(pod, ENGINE) for pod in pods):
        message = "vLLM is loading the model; the log of container engine shows the progress"
        return false(_TYPE, Reason.MODEL_LOADING, message)
    if any("running" in container_state(pod, MODEL_SERVER) for pod in pods):
        message = "model-server is loading the model; its log shows the progress"
        return false(_TYPE, Reason.MODEL_LOADING, message)
    return false(_TYPE, Reason.INFERENCE_PENDING, "starting the model's pod")


def _starting_own_engine(pods: Sequence[Manifest], engine: OwnEngine) -> Condition:
    if any("running" in container_state(pod, MODEL_SERVER) for pod in pods):
        message = (
            f"model-server waits for the {engine.name} server in container {engine.container}, on "
            f"port {engine.port}; the logs of both show the progress"
        )
        return false(_TYPE, Reason.MODEL_LOADING, message)
    if any("running" in container_state(pod, engine.container) for pod in pods):
        message = f"container {engine.container} starts; its log shows the progress"
        return false(_TYPE, Reason.MODEL_LOADING, message)
    return false(_TYPE, Reason.INFERENCE_PENDING, "starting the pods of inference.template")
