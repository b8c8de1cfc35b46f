"""Decides about the workload that serves a model.

It is a Deployment, or a StatefulSet where a model spans nodes.
"""

from dataclasses import dataclass

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, false
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
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.placement import placement
from workspace_controller.plan.plan import Action, Apply, Delete, earliest
from workspace_controller.plan.pods.failure import pod_failure
from workspace_controller.plan.pods.forbidden import LOOK_AGAIN_SECONDS, creation_failure
from workspace_controller.plan.pods.status import container_state, pods_with_role
from workspace_controller.plan.serving.adapters import (
    adapter_pods,
    listed_adapters,
    own_adapter,
    ready_condition,
)
from workspace_controller.plan.sizing import context_tokens
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning.run import TuningPlan

# A pod that is ready answers; until it does, nobody waits for the list of its adapters.
_ASK_AGAIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """`condition` is InferenceReady."""

    actions: tuple[Action, ...] = ()
    condition: Condition
    failed: bool = False
    requeue_after_seconds: float | None = None


def decide_serving(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> ServingPlan:
    """`tuning` is None for an inference Workspace; otherwise its adapter must be produced."""
    # A workload that exists is updated even while one of its nodes is missing.
    if observed.workload is None and not nodes.ready:
        return ServingPlan(condition=_pending(nodes))
    kind, wanted = _wanted_workload(observed, spec, nodes, tuning)
    if wanted is None:
        return ServingPlan(condition=_pending(nodes))
    present = observed.deployment if kind is DEPLOYMENT else observed.stateful_set
    actions = (
        *_delete_other_kind(observed, kind),
        *_apply_workload(kind, wanted, present, nodes),
    )
    if present is None or is_being_deleted(present):
        return ServingPlan(actions=actions, condition=_pending(nodes))
    if _is_ready(present, wanted):
        unanswered = adapter_pods(observed) and observed.rejected_adapters is None
        return ServingPlan(
            actions=actions,
            condition=ready_condition(observed),
            requeue_after_seconds=_ASK_AGAIN_SECONDS if unanswered else None,
        )
    return _starting(observed, present, actions)


def delete_workloads(observed: Observed) -> tuple[Delete, ...]:
    """Deletes every workload of the Workspace, so that its GPUs become free."""
    present = ((DEPLOYMENT, observed.deployment), (STATEFUL_SET, observed.stateful_set))
    return tuple(
        Delete(kind, observed.owner.name, observed.owner.namespace)
        for kind, manifest in present
        if manifest is not None and not is_being_deleted(manifest)
    )


def not_served_condition() -> Condition:
    message = (
        'the annotation kaito.sh/serve-tuned-model is "false": remove it to serve the tuned model'
    )
    return false(condition_types.INFERENCE_READY, Reason.NOT_SERVED, message)


def waiting_for_adapter() -> Condition:
    message = "waiting for the tuning run to produce the adapter"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)


def _wanted_workload(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Kind, Manifest | None]:
    """The kind and the manifest; None for an unknown preset."""
    owner, inference = observed.owner, spec.inference
    if inference is not None and inference.template is not None:
        template = custom_template(owner, inference.template, placement(observed, spec))
        custom = Workload(owner=owner, template=template, replicas=nodes.target)
        return DEPLOYMENT, deployment(custom)
    pod = _model_pod(observed, spec, nodes, tuning)
    if pod is None:
        return DEPLOYMENT, None
    workload = Workload(
        owner=owner,
        template=template_of(owner, model_pod_spec(pod)),
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
    return ModelPod(
        owner=observed.owner,
        model=source,
        adapters=_adapters(observed, spec, tuning),
        default_adapter=observed.owner.name if tuning is not None else "",
        max_model_len=context_tokens(observed, spec),
        nodes=nodes.target,
        placement=placement(observed, spec),
        settings=observed.settings,
    )


def _adapters(
    observed: Observed, spec: WorkspaceSpec, tuning: TuningPlan | None
) -> tuple[ServedAdapter, ...]:
    if spec.tuning is not None and tuning is not None and tuning.adapter is not None:
        return (own_adapter(observed, spec.tuning, tuning.adapter.reference),)
    return listed_adapters(spec.inference.adapters) if spec.inference is not None else ()


def _apply_workload(
    kind: Kind, wanted: Manifest, present: Manifest | None, nodes: NodePlan
) -> tuple[Action, ...]:
    """Creates the workload once the nodes are ready; updates it whether or not they are."""
    if present is None:
        return (Apply(kind, wanted, verify_owner=True),) if nodes.ready else ()
    if is_being_deleted(present) or _is_as_wanted(present, wanted):
        return ()
    return (Apply(kind, wanted, verify_owner=False),)


def _delete_other_kind(observed: Observed, kind: Kind) -> tuple[Delete, ...]:
    return tuple(action for action in delete_workloads(observed) if action.kind is not kind)


def _is_as_wanted(present: Manifest, wanted: Manifest) -> bool:
    same_size = _replicas(present) == wanted["spec"]["replicas"]
    return same_size and revision_of(present) == revision_of(wanted)


def _replicas(workload: Manifest) -> int | None:
    replicas: int | None = (workload.get("spec") or {}).get("replicas")
    return replicas


def _is_ready(present: Manifest, wanted: Manifest) -> bool:
    """Whether all pods of the wanted revision are ready, by an up-to-date status."""
    status, replicas = present.get("status") or {}, wanted["spec"]["replicas"]
    current = status.get("observedGeneration", 0) >= present["metadata"].get("generation", 0)
    ready, updated = status.get("readyReplicas") or 0, status.get("updatedReplicas") or 0
    return current and _is_as_wanted(present, wanted) and ready >= replicas and updated >= replicas


def _starting(observed: Observed, present: Manifest, actions: tuple[Action, ...]) -> ServingPlan:
    """Reports a pod that cannot be created, the first that fails, or how far the pods are."""
    pods = [
        pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if not is_being_deleted(pod)
    ]
    found = creation_failure(observed, present) or next(
        (f for pod in pods if (f := pod_failure(pod, observed.now)) is not None), None
    )
    requeue_after_seconds = found.requeue_after_seconds if found is not None else None
    if present is observed.stateful_set and len(pods) < (_replicas(present) or 0):
        requeue_after_seconds = earliest(requeue_after_seconds, LOOK_AGAIN_SECONDS)
    if isinstance(found, Failure):
        condition = false(condition_types.INFERENCE_READY, found.reason, found.message)
    elif any("running" in container_state(pod, MODEL_SERVER) for pod in pods):
        message = "model-server is loading the model; its log shows the progress"
        condition = false(condition_types.INFERENCE_READY, Reason.MODEL_LOADING, message)
    else:
        message = "starting the model's pod"
        condition = false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)
    return ServingPlan(
        actions=actions,
        condition=condition,
        failed=isinstance(found, Failure) and found.permanent,
        requeue_after_seconds=requeue_after_seconds,
    )


def _pending(nodes: NodePlan) -> Condition:
    message = "creating the workload" if nodes.ready else "waiting for the nodes"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)
