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
from workspace_controller.plan.nodes import Nodes
from workspace_controller.plan.placement import placing
from workspace_controller.plan.plan import Apply, Delete, Step
from workspace_controller.plan.pod_failure import Trouble, pod_trouble
from workspace_controller.plan.pod_status import container_state, pods_with_role
from workspace_controller.plan.served_adapters import listed_adapters, tuned
from workspace_controller.plan.sizing import context_length
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning import TuningState


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    steps: tuple[Step, ...] = ()
    condition: Condition
    failed: bool = False
    requeue_after: float | None = None


def decide_serving(
    o: Observed, spec: WorkspaceSpec, nodes: Nodes, tuning: TuningState | None
) -> Serving:
    """`tuning` is None for an inference Workspace; otherwise its adapter must be there."""
    if o.workload is None and not nodes.ready:
        return Serving(condition=_pending(nodes))
    kind, wanted = _wanted(o, spec, nodes, tuning)
    if wanted is None:
        return Serving(condition=_pending(nodes))
    present = o.deployment if kind is DEPLOYMENT else o.stateful_set
    steps = (*_other(o, kind), *_make(kind, wanted, present, nodes))
    if present is None or is_being_deleted(present):
        return Serving(steps=steps, condition=_pending(nodes))
    if _is_ready(present, wanted):
        return Serving(steps=steps, condition=true(condition_types.INFERENCE_READY, *_READY))
    return _starting(o, steps)


def stop(o: Observed) -> tuple[Step, ...]:
    """Ends whatever serves: its GPUs are needed otherwise."""
    found = ((DEPLOYMENT, o.deployment), (STATEFUL_SET, o.stateful_set))
    return tuple(
        Delete(kind, o.owner.name, o.owner.namespace)
        for kind, manifest in found
        if manifest is not None and not is_being_deleted(manifest)
    )


def not_served() -> Condition:
    message = 'annotation kaito.sh/serve-tuned-model is "false"'
    return false(condition_types.INFERENCE_READY, Reason.NOT_SERVED, message)


def not_yet() -> Condition:
    return false(
        condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, "waiting for the adapter"
    )


_READY = (Reason.INFERENCE_READY, "the model answers")


def _wanted(
    o: Observed, spec: WorkspaceSpec, nodes: Nodes, tuning: TuningState | None
) -> tuple[Kind, Manifest | None]:
    inference = spec.inference
    if inference is not None and inference.template is not None:
        template = custom_template(o.owner, inference.template, placing(o, spec))
        own = Workload(owner=o.owner, template=template, replicas=nodes.target)
        return DEPLOYMENT, deployment(own)
    pod = _model_pod(o, spec, nodes, tuning)
    if pod is None:
        return DEPLOYMENT, None
    workload = Workload(
        owner=o.owner,
        template=template_of(o.owner, model_pod_spec(pod)),
        replicas=pod.nodes,
        patience_seconds=pod.model.preset.readiness_timeout_seconds,
    )
    spans = pod.nodes > 1
    return (STATEFUL_SET, stateful_set(workload)) if spans else (DEPLOYMENT, deployment(workload))


def _model_pod(
    o: Observed, spec: WorkspaceSpec, nodes: Nodes, tuning: TuningState | None
) -> ModelPod | None:
    ref = preset_ref(spec)
    source = model_source(o, ref) if ref is not None else None
    if source is None:
        return None
    adapters = _adapters(o, spec, tuning)
    return ModelPod(
        owner=o.owner,
        model=source,
        adapters=adapters,
        default_adapter=o.owner.name if tuning is not None else "",
        max_model_len=context_length(o, spec),
        nodes=nodes.target,
        placing=placing(o, spec),
        settings=o.settings,
    )


def _adapters(
    o: Observed, spec: WorkspaceSpec, tuning: TuningState | None
) -> tuple[ServedAdapter, ...]:
    if spec.tuning is not None and tuning is not None and tuning.adapter is not None:
        return (tuned(o, spec.tuning, tuning.adapter.reference),)
    return listed_adapters(spec.inference.adapters) if spec.inference is not None else ()


def _make(kind: Kind, wanted: Manifest, present: Manifest | None, nodes: Nodes) -> tuple[Step, ...]:
    """Made when the nodes are there; kept right from then on, whatever the nodes do."""
    if present is None:
        return (Apply(kind, wanted, known=False),) if nodes.ready else ()
    if is_being_deleted(present) or _is_as_wanted(present, wanted):
        return ()
    return (Apply(kind, wanted, known=True),)


def _other(o: Observed, kind: Kind) -> tuple[Step, ...]:
    return tuple(step for step in stop(o) if isinstance(step, Delete) and step.kind is not kind)


def _is_as_wanted(present: Manifest, wanted: Manifest) -> bool:
    same_size = present.get("spec", {}).get("replicas") == wanted["spec"]["replicas"]
    return same_size and revision_of(present) == revision_of(wanted)


def _is_ready(present: Manifest, wanted: Manifest) -> bool:
    """All pods, of the present revision, and the status speaks of it."""
    status, size = present.get("status") or {}, wanted["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= present["metadata"].get("generation", 0)
    ready, updated = status.get("readyReplicas") or 0, status.get("updatedReplicas") or 0
    return seen and _is_as_wanted(present, wanted) and ready >= size and updated >= size


def _starting(o: Observed, steps: tuple[Step, ...]) -> Serving:
    found = [
        pod for pod in pods_with_role(o.pods, "inference", labels.ROLE) if not is_being_deleted(pod)
    ]
    told = next((t for pod in found if (t := pod_trouble(pod, o.now)) is not None), None)
    again = told.again_seconds if told is not None else None
    if isinstance(told, Trouble):
        condition = false(condition_types.INFERENCE_READY, told.reason, told.message)
        return Serving(steps=steps, condition=condition, failed=told.permanent, requeue_after=again)
    loads = any("running" in container_state(pod, MODEL_SERVER) for pod in found)
    if loads:
        condition = false(
            condition_types.INFERENCE_READY, Reason.MODEL_LOADING, "the model is being loaded"
        )
    else:
        condition = false(
            condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, "the pod is being started"
        )
    return Serving(steps=steps, condition=condition, requeue_after=again)


def _pending(nodes: Nodes) -> Condition:
    message = "the workload is being made" if nodes.ready else "waiting for the nodes"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)
