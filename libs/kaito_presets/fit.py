"""Whether an instance type fits a preset's tuning or serving, and which others would. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kaito_presets.estimate import DEFAULT_CONTEXT_TOKENS, UTILIZATION, Estimate, estimate
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason, counted, unusable
from kaito_presets.preset import GpuRequirements, Preset, TuningMethod
from kaito_skus.sku import GpuSet, Sku

# How many instance types a remedy names.
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """What a tuning run requires of one node, and what the node has."""

    required: GpuRequirements
    available: GpuSet

    @property
    def missing_gpus(self) -> int:
        return max(0, self.required.gpu_count - self.available.count)

    @property
    def missing_per_gpu_gib(self) -> float:
        return max(0.0, self.required.per_gpu_memory_gib - self.available.memory_gib)

    @property
    def missing_total_gib(self) -> float:
        return max(0.0, self.required.total_memory_gib - self.available.total_memory_gib)

    @property
    def copy_gib(self) -> float:
        """The memory of a GPU that trains with the whole model on it."""
        return max(self.required.total_memory_gib, self.required.per_gpu_memory_gib)

    @property
    def processes(self) -> int:
        """How many processes train on the node: one for each GPU, if each has room for the model.

        Otherwise one trains, with the model spread over the GPUs.
        """
        return self.available.count if self.available.memory_gib >= self.copy_gib else 1

    def explain(self) -> str:
        required = self.required
        return (
            f"needs {counted(required.gpu_count, 'GPU')} of {required.per_gpu_memory_gib:g} GiB, "
            f"{required.total_memory_gib:g} GiB in total; the node has {self.available}"
        )

    def explain_processes(self, nodes: int) -> str:
        """How the GPUs of the nodes share the training; empty for one GPU."""
        if self.available.count * nodes == 1:
            return ""
        if self.processes * nodes > 1:
            where = f" on {nodes} nodes" if nodes > 1 else ""
            return (
                f"{self.processes * nodes} processes{where} train, each with the whole model "
                f"({self.copy_gib:g} GiB) on its own GPU"
            )
        return (
            "one process trains, with the model spread over the GPUs, because the whole model "
            f"takes {self.copy_gib:g} GiB of a GPU"
        )


def tuning_fit(
    preset: Preset, method: TuningMethod, gpus: GpuSet, candidates: Iterable[Sku] = ()
) -> Fit | Incompatibility:
    """Whether tuning fits one node. The remedy names the cheapest `candidates` that do."""
    verdict = _tuning_fit(preset, method, gpus)
    if isinstance(verdict, Fit) or verdict.reason in _PRESET_REASONS:
        return verdict
    return _suggest(
        verdict,
        [(1, sku) for sku in candidates if isinstance(_tuning_fit(preset, method, sku.gpus), Fit)],
    )


def inference_fit(
    preset: Preset,
    gpus: GpuSet,
    candidates: Iterable[Sku] = (),
    *,
    max_nodes: int | None = None,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    utilization: float = UTILIZATION,
) -> Estimate | Incompatibility:
    """The estimate, unless it needs more than `max_nodes` (None: no limit)."""

    def serve_on(some: GpuSet) -> Estimate | Incompatibility:
        result = estimate(preset, some, context_tokens=context_tokens, utilization=utilization)
        if isinstance(result, Incompatibility) or max_nodes is None or result.nodes <= max_nodes:
            return result
        return _too_few_nodes(preset, result, max_nodes)

    verdict = serve_on(gpus)
    if isinstance(verdict, Estimate) or verdict.reason in _PRESET_REASONS:
        return verdict
    others = ((serve_on(sku.gpus), sku) for sku in candidates)
    return _suggest(
        verdict, [(other.nodes, sku) for other, sku in others if isinstance(other, Estimate)]
    )


_PRESET_REASONS = frozenset(
    {
        IncompatibilityReason.NOT_TUNABLE,
        IncompatibilityReason.METHOD_NOT_SUPPORTED,
        IncompatibilityReason.CONTEXT_TOO_LONG,
    }
)
"""Another instance type does not solve these."""


def _tuning_fit(preset: Preset, method: TuningMethod, gpus: GpuSet) -> Fit | Incompatibility:
    if preset.tuning is None:
        return Incompatibility(
            IncompatibilityReason.NOT_TUNABLE,
            f"{preset.name} cannot be tuned",
            "Choose a preset that can be, such as phi-3-mini-128k-instruct",
        )
    required = preset.tuning.methods.get(method)
    if required is None:
        return Incompatibility(
            IncompatibilityReason.METHOD_NOT_SUPPORTED,
            f"{preset.name} cannot be tuned with {method}",
            f"Set method to {' or '.join(preset.tuning.methods)}",
        )
    incompatibility = unusable(gpus)
    if incompatibility is not None:
        return incompatibility
    fit = Fit(required, gpus)
    reason = _shortage(fit)
    if reason is None:
        return fit
    return Incompatibility(
        reason, f"{method} of {preset.name} {fit.explain()}", "Use a larger instance type"
    )


def _shortage(fit: Fit) -> IncompatibilityReason | None:
    if fit.missing_gpus:
        return IncompatibilityReason.NOT_ENOUGH_GPUS
    if fit.missing_per_gpu_gib:
        return IncompatibilityReason.GPU_MEMORY_TOO_SMALL
    if fit.missing_total_gib:
        return IncompatibilityReason.TOTAL_MEMORY_TOO_SMALL
    return None


def _too_few_nodes(preset: Preset, result: Estimate, max_nodes: int) -> Incompatibility:
    return Incompatibility(
        IncompatibilityReason.TOO_FEW_NODES,
        f"{preset.name} needs more than {counted(max_nodes, 'node')}: {result.explain()}",
        f"Allow {result.nodes} nodes, or use a larger instance type",
    )


def _suggest(incompatibility: Incompatibility, fitting: list[tuple[int, Sku]]) -> Incompatibility:
    """Adds the instance types that need the fewest nodes, the cheapest of those first."""
    best = sorted(fitting, key=lambda option: (option[0], option[1].price_rank))[:SUGGESTIONS]
    if not best:
        return incompatibility
    return replace(
        incompatibility, remedy=f"{incompatibility.remedy}: {', '.join(_named(*b) for b in best)}"
    )


def _named(nodes: int, sku: Sku) -> str:
    name = sku.name if nodes == 1 else f"{nodes} nodes of {sku.name}"
    if sku.price_usd_hour is None:
        return name
    return f"{name} (about ${nodes * sku.price_usd_hour:.2f}/h)"
