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
from workspace_controller.plan.serving.adapters.adapter_delivery import (
    Circumstances,
    circumstances,
    earlier_circumstances,
    pulls_adapters,
    recorded_setting,
)
from workspace_controller.plan.serving.adapters.served import mounted_adapters, own_adapter
from workspace_controller.plan.serving.engines.engine import engine
from workspace_controller.plan.serving.engines.own_engine import own_engine
from workspace_controller.plan.serving.engines.vllm_pod import vllm_arguments
from workspace_controller.plan.serving.updates.inputs import inputs_of
from workspace_controller.plan.sizing import context_tokens, user_config
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning.run import TuningPlan
from workspace_controller.vllm.command import PULLED_AT_ONCE


def wanted_workload(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Kind, Manifest | None]:
    """The kind and the manifest; None for an unknown preset."""
    owner, inference = observed.owner, spec.inference
    now = circumstances(observed, spec, nodes.target)
    inputs = _inputs(observed, spec, tuning, now)
    if inference is not None and inference.template is not None:
        template = custom_template(owner, inference.template, placement(observed, spec))
        if (own := own_engine(observed)) is not None:
            limit = context_tokens(observed, spec)
            template = with_own_engine(
                template, own, owner, observed.settings, limit, measures=measures(observed)
            )
        custom = Workload(
            owner=owner,
            template=template,
            replicas=nodes.target,
            inputs=inputs,
            adapter_delivery=now.setting,
        )
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
        adapter_delivery=now.setting,
    )
    spans = pod.nodes > 1
    return (STATEFUL_SET, stateful_set(workload)) if spans else (DEPLOYMENT, deployment(workload))


def same_inputs(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> frozenset[str]:
    """The digests that mean that the user has changed nothing since the workload was made."""
    now = circumstances(observed, spec, nodes.target)
    earlier = earlier_circumstances(observed, spec, now)
    found = {_inputs(observed, spec, tuning, each) for each in earlier}
    if observed.workload is not None and recorded_setting(observed.workload) is None:
        # Releases that measured nothing did not read the annotation about it.
        found |= {_inputs(observed, spec, tuning, each, measured=True) for each in earlier}
    return frozenset(found)


def _inputs(
    observed: Observed,
    spec: WorkspaceSpec,
    tuning: TuningPlan | None,
    given: Circumstances,
    *,
    measured: bool = False,
) -> str:
    pulls, own = pulls_adapters(observed, spec, given), own_engine(observed)
    return inputs_of(
        spec,
        tuning,
        user_config(observed, spec),
        observed.annotations.get(labels.RUNTIME, ""),
        _pinned(observed),
        pulls=pulls,
        loads=pulls and given.engine is Runtime.VLLM,
        measures=measured or measures(observed),
        engine_model=own.model if own is not None else "",
    )


def measures(observed: Observed) -> bool:
    """Whether the model is measured before it is ready. As in KAITO, an annotation says no."""
    return observed.annotations.get(labels.DISABLE_BENCHMARK, "").casefold() != "true"


def _pinned(observed: Observed) -> tuple[str, bool] | None:
    """The commit of a model of the hub, and whether its code is trusted."""
    model = observed.hub_model
    return (model.revision, trusts_code(observed.annotations)) if model is not None else None


def _model_pod(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> ModelPod | None:
    ref = preset_ref(spec)
    source = model_source(observed, ref) if ref is not None else None
    if source is None:
        return None
    pulls = pulls_adapters(observed, spec, circumstances(observed, spec, nodes.target))
    adapters, chosen = _adapters(observed, spec, tuning, pulls), engine(observed, spec)
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
        vllm_arguments=vllm_arguments(
            observed,
            spec,
            nodes=nodes.target,
            adapters=PULLED_AT_ONCE if pulls else len(adapters),
        )
        if chosen is Runtime.VLLM
        else (),
        pulls_adapters=pulls,
        measures=measures(observed),
    )


def _adapters(
    observed: Observed, spec: WorkspaceSpec, tuning: TuningPlan | None, pulls: bool
) -> tuple[ServedAdapter, ...]:
    if spec.tuning is not None and tuning is not None and tuning.adapter is not None:
        return (own_adapter(observed, spec.tuning, tuning.adapter.reference),)
    inference = spec.inference
    return mounted_adapters(inference.adapters, pulls=pulls) if inference is not None else ()
