"""How many nodes a Workspace needs, and whether its model fits their GPUs. Pure.

workspace-controller decides with it, and `kubectl kaito plan` shows the same before.
"""

from dataclasses import dataclass, replace

from kaito_api.reasons import Reason
from kaito_api.status import EstimateStatus
from kaito_api.workspace import WorkspaceSpec
from kaito_presets.estimate import DEFAULT_CONTEXT_TOKENS, UTILIZATION, Estimate
from kaito_presets.fit import Fit, inference_fit, tuning_fit
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason
from kaito_presets.preset import Preset, Runtime, TuningMethod
from kaito_skus import mig
from kaito_skus.sku import GpuSet, Sku

_NOT_TUNABLE = (IncompatibilityReason.NOT_TUNABLE, IncompatibilityReason.METHOD_NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class Sizing:
    """`estimate` is None where too little is known for an estimate."""

    nodes: int
    estimate: EstimateStatus | None = None


@dataclass(frozen=True, slots=True)
class SizingFailure:
    """Why a model does not fit, as the status reports it."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """`context_tokens` is 0 for the default.

    `serves` says whether a tuned model is served on the node that it was tuned on. Only the engine
    vLLM serves from more than one node. `utilization` is the share of a GPU's memory that it uses.
    `quantized`: the base model of a tuning is, where its method leaves that open.
    """

    preset: Preset
    gpus: GpuSet
    available_skus: tuple[Sku, ...] = ()
    context_tokens: int = 0
    max_nodes: int = 1
    serves: bool = True
    engine: Runtime = Runtime.VLLM
    utilization: float = UTILIZATION
    quantized: bool = True


def usable_gpus(gpus: GpuSet, spec: WorkspaceSpec) -> GpuSet:
    """Those of one pod on a node with these GPUs: all of them, or the partition of the spec."""
    partition = spec.resource.partition
    if partition is None:
        return gpus
    if partition.mode == "mig" and partition.profile:
        profile = mig.parse(partition.profile)
        if profile is None:
            return gpus
        return replace(
            mig.slice_of(profile, model=gpus.model), cuda_capability=gpus.cuda_capability
        )
    return replace(gpus, count=min(partition.count or gpus.count, gpus.count))


def size(spec: WorkspaceSpec, inputs: SizingInputs | None) -> Sizing | SizingFailure:
    """The number of nodes, or why the model does not fit the instance type.

    Without inputs (the user's own pods, GPUs that are not known, or a bypassed check), and for a
    tuning run, resource.count decides.
    """
    if inputs is None:
        return Sizing(spec.resource.count)
    if spec.tuning is not None:
        return _size_tuning(inputs, spec.tuning.method, spec.resource.count)
    return _size_inference(inputs)


def _size_inference(inputs: SizingInputs) -> Sizing | SizingFailure:
    spans = inputs.engine is Runtime.VLLM
    estimate = _inference_estimate(inputs, inputs.max_nodes if spans else 1)
    if isinstance(estimate, Incompatibility):
        message = estimate.message
        if not spans and estimate.reason is IncompatibilityReason.TOO_FEW_NODES:
            message = f"the engine transformers serves from one node, and {message}"
        return SizingFailure(Reason.INSTANCE_TYPE_TOO_SMALL, message)
    return Sizing(estimate.nodes, _inference_status(estimate))


def _size_tuning(inputs: SizingInputs, method: str, nodes: int) -> Sizing | SizingFailure:
    """Each of the nodes has to fit alone: its GPUs hold whole copies of the model."""
    needed = TuningMethod.of(method, quantized=inputs.quantized)
    fit = tuning_fit(inputs.preset, needed, inputs.gpus, inputs.available_skus)
    if isinstance(fit, Incompatibility):
        not_tunable = fit.reason in _NOT_TUNABLE
        reason = Reason.PRESET_NOT_TUNABLE if not_tunable else Reason.INSTANCE_TYPE_TOO_SMALL
        return SizingFailure(reason, _why(method, needed) + fit.message)
    served = _inference_estimate(inputs, 1) if inputs.serves else None
    if isinstance(served, Incompatibility):
        return SizingFailure(
            Reason.INSTANCE_TYPE_TOO_SMALL,
            f"the model can be tuned on it but not served: {served.message} Or set the annotation "
            'kaito.sh/serve-tuned-model: "false" to only push the adapter.',
        )
    return Sizing(nodes, _tuning_status(fit, inputs, nodes))


def _why(method: str, needed: TuningMethod) -> str:
    """The beginning of a sentence about the GPUs of `needed`, where they are those of `method`."""
    if method == needed:
        return ""
    quantized = needed is TuningMethod.QLORA
    base = "a quantized base model" if quantized else "a base model in 16 bits"
    return f"{method} on {base} needs the GPUs of {needed}: "


def _inference_estimate(inputs: SizingInputs, max_nodes: int) -> Estimate | Incompatibility:
    return inference_fit(
        inputs.preset,
        inputs.gpus,
        inputs.available_skus,
        max_nodes=max_nodes,
        context_tokens=inputs.context_tokens or DEFAULT_CONTEXT_TOKENS,
        utilization=inputs.utilization,
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


def _tuning_status(fit: Fit, inputs: SizingInputs, nodes: int) -> EstimateStatus:
    shared = fit.explain_processes(nodes)
    return EstimateStatus(
        nodes=nodes,
        gpus_per_node=inputs.gpus.count,
        gpu_memory=f"{inputs.gpus.memory_gib:g}Gi",
        weights=f"{inputs.preset.weights_gib:.2f}Gi",
        explanation=f"{inputs.preset.name} {fit.explain()}" + (f"; {shared}" if shared else ""),
    )
