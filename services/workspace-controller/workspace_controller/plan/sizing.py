"""How many nodes a Workspace takes, and whether its model fits them, with the numbers."""

from dataclasses import dataclass

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.status import EstimateStatus
from kaito_api.workspace import WorkspaceSpec
from kaito_presets.estimate import DEFAULT_CONTEXT_TOKENS, Estimate
from kaito_presets.fit import Fit, inference_fit, tuning_fit
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason
from kaito_presets.preset import Preset, TuningMethod
from kaito_skus.sku import GpuSet, Sku
from workspace_controller.observed import Observed
from workspace_controller.plan import inference_config
from workspace_controller.plan.spec import serves_tuned_model

_NOT_TUNABLE = (IncompatibilityReason.NOT_TUNABLE, IncompatibilityReason.METHOD_NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Sizing:
    """`estimate` is None where nothing is known to reckon with."""

    nodes: int
    estimate: EstimateStatus | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """A reason of the project's table, and the arithmetic."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is reckoned with. `context` is in tokens, 0 for the default; `serves` says that a
    tuned model is to be served on the node that it was tuned on."""

    preset: Preset
    gpus: GpuSet
    offered: tuple[Sku, ...] = ()
    context: int = 0
    max_nodes: int = 1
    serves: bool = True


def size(spec: WorkspaceSpec, ground: Ground | None) -> Sizing | Misfit:
    """Without ground (a template, or nodes of unknown GPUs) as many nodes as are asked for."""
    if ground is None:
        return Sizing(1 if spec.tuning else spec.resource.count)
    if spec.tuning is not None:
        return _tuning(ground, TuningMethod(spec.tuning.method))
    return _inference(ground)


def _inference(ground: Ground) -> Sizing | Misfit:
    found = _served_by(ground, ground.max_nodes)
    if isinstance(found, Incompatibility):
        return Misfit(Reason.INSTANCE_TYPE_TOO_SMALL, found.message)
    return Sizing(found.nodes, _shown(found))


def _tuning(ground: Ground, method: TuningMethod) -> Sizing | Misfit:
    fit = tuning_fit(ground.preset, method, ground.gpus, ground.offered)
    if isinstance(fit, Incompatibility):
        known = (
            Reason.PRESET_NOT_TUNABLE
            if fit.reason in _NOT_TUNABLE
            else Reason.INSTANCE_TYPE_TOO_SMALL
        )
        return Misfit(known, fit.message)
    served = _served_by(ground, 1) if ground.serves else None
    if isinstance(served, Incompatibility):
        return Misfit(
            Reason.INSTANCE_TYPE_TOO_SMALL,
            f"it can be tuned there and not served: {served.message} Or set the annotation "
            'kaito.sh/serve-tuned-model: "false" to only push the adapter.',
        )
    return Sizing(1, _fitted(fit, ground))


def _served_by(ground: Ground, max_nodes: int) -> Estimate | Incompatibility:
    return inference_fit(
        ground.preset,
        ground.gpus,
        ground.offered,
        max_nodes=max_nodes,
        context_tokens=ground.context or DEFAULT_CONTEXT_TOKENS,
    )


def _shown(found: Estimate) -> EstimateStatus:
    return EstimateStatus(
        nodes=found.nodes,
        gpus_per_node=found.gpus.count,
        gpu_memory=f"{found.gpus.memory_gib:g}Gi",
        weights=f"{found.weights_gib:.2f}Gi",
        context_length=found.context_tokens,
        explanation=found.explain(),
    )


def _fitted(fit: Fit, ground: Ground) -> EstimateStatus:
    return EstimateStatus(
        nodes=1,
        gpus_per_node=ground.gpus.count,
        gpu_memory=f"{ground.gpus.memory_gib:g}Gi",
        weights=f"{ground.preset.weights_gib:.2f}Gi",
        explanation=f"{ground.preset.name} {fit.explain()}",
    )


def sizing(o: Observed, spec: WorkspaceSpec) -> Sizing | Misfit:
    return size(spec, ground_of(o, spec))


def ground_of(o: Observed, spec: WorkspaceSpec) -> Ground | None:
    if o.preset is None or o.gpus is None or labels.BYPASS_RESOURCE_CHECKS in o.annotations:
        return None
    return Ground(
        preset=o.preset,
        gpus=o.gpus,
        offered=o.offered,
        context=context_length(o, spec),
        max_nodes=o.settings.max_model_nodes,
        serves=serves_tuned_model(o),
    )


def context_length(o: Observed, spec: WorkspaceSpec) -> int:
    """Tokens that the user's configuration plans for; 0 where it leaves that open."""
    if spec.inference is None or o.file is None or o.file.text is None:
        return 0
    return inference_config.read(o.file.text).max_model_len
