"""How many nodes a Workspace needs, and whether its model fits their GPUs."""

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
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.serving import inference_config
from workspace_controller.plan.spec import serves_tuned_model

_NOT_TUNABLE = (IncompatibilityReason.NOT_TUNABLE, IncompatibilityReason.METHOD_NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Sizing:
    """`estimate` is None where too little is known for an estimate."""

    nodes: int
    estimate: EstimateStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """`context_tokens` is 0 for the default.

    `serves` says whether a tuned model is served on the node that it was tuned on.
    """

    preset: Preset
    gpus: GpuSet
    available_skus: tuple[Sku, ...] = ()
    context_tokens: int = 0
    max_nodes: int = 1
    serves: bool = True


def sizing(observed: Observed, spec: WorkspaceSpec) -> Sizing | Failure:
    """The number of nodes, or why the model does not fit the instance type."""
    return size(spec, _inputs(observed, spec))


def size(spec: WorkspaceSpec, inputs: SizingInputs | None) -> Sizing | Failure:
    """As `sizing`, from its inputs.

    Without inputs (the user's own pods, GPUs that are not known, or a bypassed check)
    resource.count decides.
    """
    if inputs is None:
        return Sizing(1 if spec.tuning else spec.resource.count)
    if spec.tuning is not None:
        return _size_tuning(inputs, TuningMethod(spec.tuning.method))
    return _size_inference(inputs)


def context_tokens(observed: Observed, spec: WorkspaceSpec) -> int:
    """The context length of the user's inference_config.yaml; 0 where it does not set one."""
    if spec.inference is None or observed.file is None or observed.file.text is None:
        return 0
    return inference_config.parse(observed.file.text).max_model_len


def _inputs(observed: Observed, spec: WorkspaceSpec) -> SizingInputs | None:
    preset, gpus = observed.preset, observed.gpus
    if preset is None or gpus is None or labels.BYPASS_RESOURCE_CHECKS in observed.annotations:
        return None
    return SizingInputs(
        preset=preset,
        gpus=gpus,
        available_skus=observed.available_skus,
        context_tokens=context_tokens(observed, spec),
        max_nodes=observed.settings.max_model_nodes,
        serves=serves_tuned_model(observed),
    )


def _size_inference(inputs: SizingInputs) -> Sizing | Failure:
    estimate = _inference_estimate(inputs, inputs.max_nodes)
    if isinstance(estimate, Incompatibility):
        return Failure(Reason.INSTANCE_TYPE_TOO_SMALL, estimate.message)
    return Sizing(estimate.nodes, _inference_status(estimate))


def _size_tuning(inputs: SizingInputs, method: TuningMethod) -> Sizing | Failure:
    fit = tuning_fit(inputs.preset, method, inputs.gpus, inputs.available_skus)
    if isinstance(fit, Incompatibility):
        not_tunable = fit.reason in _NOT_TUNABLE
        reason = Reason.PRESET_NOT_TUNABLE if not_tunable else Reason.INSTANCE_TYPE_TOO_SMALL
        return Failure(reason, fit.message)
    served = _inference_estimate(inputs, 1) if inputs.serves else None
    if isinstance(served, Incompatibility):
        return Failure(
            Reason.INSTANCE_TYPE_TOO_SMALL,
            f"the model can be tuned on it but not served: {served.message} Or set the annotation "
            'kaito.sh/serve-tuned-model: "false" to only push the adapter.',
        )
    # Training is not distributed over nodes.
    return Sizing(1, _tuning_status(fit, inputs))


def _inference_estimate(inputs: SizingInputs, max_nodes: int) -> Estimate | Incompatibility:
    return inference_fit(
        inputs.preset,
        inputs.gpus,
        inputs.available_skus,
        max_nodes=max_nodes,
        context_tokens=inputs.context_tokens or DEFAULT_CONTEXT_TOKENS,
    )


def _inference_status(estimate: Estimate) -> EstimateStatus:
    return EstimateStatus(
        nodes=estimate.nodes,
        gpus_per_node=estimate.gpus.count,
        gpu_memory=f"{estimate.gpus.memory_gib:g}Gi",
        weights=f"{estimate.weights_gib:.2f}Gi",
        context_length=estimate.context_tokens,
        explanation=estimate.explain(),
    )


def _tuning_status(fit: Fit, inputs: SizingInputs) -> EstimateStatus:
    return EstimateStatus(
        nodes=1,
        gpus_per_node=inputs.gpus.count,
        gpu_memory=f"{inputs.gpus.memory_gib:g}Gi",
        weights=f"{inputs.preset.weights_gib:.2f}Gi",
        explanation=f"{inputs.preset.name} {fit.explain()}",
    )
