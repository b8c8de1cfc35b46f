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
from workspace_controller.plan.serving import inference_config
from workspace_controller.plan.spec import serves_tuned_model

_NOT_TUNABLE = (IncompatibilityReason.NOT_TUNABLE, IncompatibilityReason.METHOD_NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Sizing:
    """`estimate` is None where nothing is known to reckon with."""

    nodes: int
    estimate: EstimateStatus | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason of the project's table, and the arithmetic."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """What is reckoned with. `context` is in tokens, 0 for the default; `serves` says that a
    tuned model is to be served on the node that it was tuned on."""

    preset: Preset
    gpus: GpuSet
    available_skus: tuple[Sku, ...] = ()
    context: int = 0
    max_nodes: int = 1
    serves: bool = True


def size(spec: WorkspaceSpec, inputs: SizingInputs | None) -> Sizing | Failure:
    """Without ground (a template, or nodes of unknown GPUs) as many nodes as are asked for."""
    if inputs is None:
        return Sizing(1 if spec.tuning else spec.resource.count)
    if spec.tuning is not None:
        return _tuning(inputs, TuningMethod(spec.tuning.method))
    return _inference(inputs)


def _inference(inputs: SizingInputs) -> Sizing | Failure:
    found = _served_by(inputs, inputs.max_nodes)
    if isinstance(found, Incompatibility):
        return Failure(Reason.INSTANCE_TYPE_TOO_SMALL, found.message)
    return Sizing(found.nodes, _shown(found))


def _tuning(inputs: SizingInputs, method: TuningMethod) -> Sizing | Failure:
    fit = tuning_fit(inputs.preset, method, inputs.gpus, inputs.available_skus)
    if isinstance(fit, Incompatibility):
        known = (
            Reason.PRESET_NOT_TUNABLE
            if fit.reason in _NOT_TUNABLE
            else Reason.INSTANCE_TYPE_TOO_SMALL
        )
        return Failure(known, fit.message)
    served = _served_by(inputs, 1) if inputs.serves else None
    if isinstance(served, Incompatibility):
        return Failure(
            Reason.INSTANCE_TYPE_TOO_SMALL,
            f"it can be tuned there and not served: {served.message} Or set the annotation "
            'kaito.sh/serve-tuned-model: "false" to only push the adapter.',
        )
    return Sizing(1, _fitted(fit, inputs))


def _served_by(inputs: SizingInputs, max_nodes: int) -> Estimate | Incompatibility:
    return inference_fit(
        inputs.preset,
        inputs.gpus,
        inputs.available_skus,
        max_nodes=max_nodes,
        context_tokens=inputs.context or DEFAULT_CONTEXT_TOKENS,
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


def _fitted(fit: Fit, inputs: SizingInputs) -> EstimateStatus:
    return EstimateStatus(
        nodes=1,
        gpus_per_node=inputs.gpus.count,
        gpu_memory=f"{inputs.gpus.memory_gib:g}Gi",
        weights=f"{inputs.preset.weights_gib:.2f}Gi",
        explanation=f"{inputs.preset.name} {fit.explain()}",
    )


def sizing(observed: Observed, spec: WorkspaceSpec) -> Sizing | Failure:
    return size(spec, sizing_inputs(observed, spec))


def sizing_inputs(observed: Observed, spec: WorkspaceSpec) -> SizingInputs | None:
    if (
        observed.preset is None
        or observed.gpus is None
        or labels.BYPASS_RESOURCE_CHECKS in observed.annotations
    ):
        return None
    return SizingInputs(
        preset=observed.preset,
        gpus=observed.gpus,
        available_skus=observed.available_skus,
        context=context_length(observed, spec),
        max_nodes=observed.settings.max_model_nodes,
        serves=serves_tuned_model(observed),
    )


def context_length(observed: Observed, spec: WorkspaceSpec) -> int:
    """Tokens that the user's configuration plans for; 0 where it leaves that open."""
    if spec.inference is None or observed.file is None or observed.file.text is None:
        return 0
    return inference_config.read(observed.file.text).max_model_len
