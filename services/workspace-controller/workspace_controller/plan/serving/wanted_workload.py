"""The workload that a Workspace is to have: around a preset's model, or the user's own pods."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Kind, Manifest
from kaito_presets.preset import Runtime
from workspace_controller.manifests.model_pod import ModelPod, ServedAdapter, model_pod_spec
from workspace_controller.manifests.own_engine_pod import with_own_engine
from workspace_controller.manifests.workload import (
    Workload,
    custom_template,
    deployment,
    stateful_set,
    template_of,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.hub_model import trusts_code
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.placement import placement
from workspace_controller.plan.serving.adapters import listed_adapters, own_adapter
from workspace_controller.plan.serving.engine import engine
from workspace_controller.plan.serving.inputs import inputs_of
from workspace_controller.plan.serving.own_engine import own_engine
from workspace_controller.plan.serving.vllm_pod import vllm_arguments
from workspace_controller.plan.sizing import context_tokens, user_config
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning.run import TuningPlan


def wanted_workload(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Kind, Manifest | None]:
    """The kind and the manifest; None for an unknown preset."""
    owner, inference = observed.owner, spec.inference
    runtime = observed.annotations.get(labels.RUNTIME, "")
    model = observed.hub_model
    pinned = (model.revision, trusts_code(observed.annotations)) if model is not None else None
    inputs = inputs_of(spec, tuning, user_config(observed, spec), runtime, pinned)
    if inference is not None and inference.template is not None:
        template = custom_template(owner, inference.template, placement(observed, spec))
        if (own := own_engine(observed)) is not None:
            limit = context_tokens(observed, spec)
            template = with_own_engine(template, own, owner, observed.settings, limit)
        custom = Workload(owner=owner, template=template, replicas=nodes.target, inputs=inputs)
        return DEPLOYMENT, deployment(custom)
    pod = _model_pod(observed, spec, nodes, tuning)
    if pod is None:
        return DEPLOYMENT, None
    workload = Workload(
        owner=owner,
        template=template_of(owner, model_pod_spec(pod)),
        replicas=pod.nodes,
        readiness_timeout_seconds=pod.model.preset.readiness_timeout_seconds,
        inputs=inputs,
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
    adapters, chosen = _adapters(observed, spec, tuning), engine(observed, spec)
    return ModelPod(
        owner=observed.owner,
        model=source,
        adapters=adapters,
        default_adapter=observed.owner.name if tuning is not None else "",
        max_model_len=context_tokens(observed, spec),
        nodes=nodes.target,
        placement=placement(observed, spec),
        settings=observed.settings,
        engine=chosen,
        vllm_arguments=vllm_arguments(observed, spec, nodes=nodes.target, adapters=len(adapters))
        if chosen is Runtime.VLLM
        else (),
    )


def _adapters(
    observed: Observed, spec: WorkspaceSpec, tuning: TuningPlan | None
) -> tuple[ServedAdapter, ...]:
    if spec.tuning is not None and tuning is not None and tuning.adapter is not None:
        return (own_adapter(observed, spec.tuning, tuning.adapter.reference),)
    return listed_adapters(spec.inference.adapters) if spec.inference is not None else ()
