"""The workload that serves: a Deployment, or a StatefulSet where a model spans nodes."""

from dataclasses import dataclass

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, false, true
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Kind, Manifest, is_being_deleted
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.model_pod import (
    MODEL_SERVER,
    ModelPod,
    ServedAdapter,
    model_pod_spec,
)
from workspace_controller.manifests.workload import (
    Workload,
    custom_template,
    deployment,
    stateful_set,
    template_of,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.placement import placement
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.pods.failure import Failure, pod_failure
from workspace_controller.plan.pods.status import container_state, pods_with_role
from workspace_controller.plan.serving.adapters import listed_adapters, tuned
from workspace_controller.plan.sizing import context_length
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning.run import TuningPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    actions: tuple[Action, ...] = ()
    condition: Condition
    failed: bool = False
    requeue_after_seconds: float | None = None


def decide_serving(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> ServingPlan:
    """`tuning` is None for an inference Workspace; otherwise its adapter must be there."""
    if observed.workload is None and not nodes.ready:
        return ServingPlan(condition=_pending(nodes))
    kind, wanted = _wanted(observed, spec, nodes, tuning)
    if wanted is None:
        return ServingPlan(condition=_pending(nodes))
    present = observed.deployment if kind is DEPLOYMENT else observed.stateful_set
    actions = (*_other(observed, kind), *_make(kind, wanted, present, nodes))
    if present is None or is_being_deleted(present):
        return ServingPlan(actions=actions, condition=_pending(nodes))
    if _is_ready(present, wanted):
        return ServingPlan(
            actions=actions, condition=true(condition_types.INFERENCE_READY, *_READY)
        )
    return _starting(observed, actions)


def delete_workloads(observed: Observed) -> tuple[Action, ...]:
    """Ends whatever serves: its GPUs are needed otherwise."""
    found = ((DEPLOYMENT, observed.deployment), (STATEFUL_SET, observed.stateful_set))
    return tuple(
        Delete(kind, observed.owner.name, observed.owner.namespace)
        for kind, manifest in found
        if manifest is not None and not is_being_deleted(manifest)
    )


def not_served_condition() -> Condition:
    message = 'annotation kaito.sh/serve-tuned-model is "false"'
    return false(condition_types.INFERENCE_READY, Reason.NOT_SERVED, message)


def waiting_for_adapter() -> Condition:
    return false(
        condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, "waiting for the adapter"
    )


_READY = (Reason.INFERENCE_READY, "the model answers")


def _wanted(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Kind, Manifest | None]:
    inference = spec.inference
    if inference is not None and inference.template is not None:
        template = custom_template(observed.owner, inference.template, placement(observed, spec))
        own = Workload(owner=observed.owner, template=template, replicas=nodes.target)
        return DEPLOYMENT, deployment(own)
    pod = _model_pod(observed, spec, nodes, tuning)
    if pod is None:
        return DEPLOYMENT, None
    workload = Workload(
        owner=observed.owner,
        template=template_of(observed.owner, model_pod_spec(pod)),
        replicas=pod.nodes,
        readiness_timeout_seconds=pod.model.preset.readiness_timeout_seconds,
    )
    spans = pod.nodes > 1
    return (STATEFUL_SET, stateful_set(workload)) if spans else (DEPLOYMENT, deployment(workload))


def _model_pod(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> ModelPod | None:
    ref = preset_ref(spec)
    source = model_source(observed, ref) if ref is not None else None
    if source is None:
        return None
    adapters = _adapters(observed, spec, tuning)
    return ModelPod(
        owner=observed.owner,
        model=source,
        adapters=adapters,
        default_adapter=observed.owner.name if tuning is not None else "",
        max_model_len=context_length(observed, spec),
        nodes=nodes.target,
        placement=placement(observed, spec),
        settings=observed.settings,
    )


def _adapters(
    observed: Observed, spec: WorkspaceSpec, tuning: TuningPlan | None
) -> tuple[ServedAdapter, ...]:
    if spec.tuning is not None and tuning is not None and tuning.adapter is not None:
        return (tuned(observed, spec.tuning, tuning.adapter.reference),)
    return listed_adapters(spec.inference.adapters) if spec.inference is not None else ()


def _make(
    kind: Kind, wanted: Manifest, present: Manifest | None, nodes: NodePlan
) -> tuple[Action, ...]:
    """Made when the nodes are there; kept right from then on, whatever the nodes do."""
    if present is None:
        return (Apply(kind, wanted, known=False),) if nodes.ready else ()
    if is_being_deleted(present) or _is_as_wanted(present, wanted):
        return ()
    return (Apply(kind, wanted, known=True),)


def _other(observed: Observed, kind: Kind) -> tuple[Action, ...]:
    return tuple(
        action
        for action in delete_workloads(observed)
        if isinstance(action, Delete) and action.kind is not kind
    )


def _is_as_wanted(present: Manifest, wanted: Manifest) -> bool:
    same_size = present.get("spec", {}).get("replicas") == wanted["spec"]["replicas"]
    return same_size and revision_of(present) == revision_of(wanted)


def _is_ready(present: Manifest, wanted: Manifest) -> bool:
    """All pods, of the present revision, and the status speaks of it."""
    status, size = present.get("status") or {}, wanted["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= present["metadata"].get("generation", 0)
    ready, updated = status.get("readyReplicas") or 0, status.get("updatedReplicas") or 0
    return seen and _is_as_wanted(present, wanted) and ready >= size and updated >= size


def _starting(observed: Observed, actions: tuple[Action, ...]) -> ServingPlan:
    found = [
        pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if not is_being_deleted(pod)
    ]
    told = next((t for pod in found if (t := pod_failure(pod, observed.now)) is not None), None)
    again = told.requeue_after_seconds if told is not None else None
    if isinstance(told, Failure):
        condition = false(condition_types.INFERENCE_READY, told.reason, told.message)
        return ServingPlan(
            actions=actions, condition=condition, failed=told.permanent, requeue_after_seconds=again
        )
    loads = any("running" in container_state(pod, MODEL_SERVER) for pod in found)
    if loads:
        condition = false(
            condition_types.INFERENCE_READY, Reason.MODEL_LOADING, "the model is being loaded"
        )
    else:
        condition = false(
            condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, "the pod is being started"
        )
    return ServingPlan(actions=actions, condition=condition, requeue_after_seconds=again)


def _pending(nodes: NodePlan) -> Condition:
    message = "the workload is being made" if nodes.ready else "waiting for the nodes"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)
