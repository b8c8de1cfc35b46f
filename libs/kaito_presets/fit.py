"""Whether a machine type carries a preset's tuning or serving, and which others would. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kaito_presets.estimate import DEFAULT_CONTEXT_TOKENS, Estimate, estimate
from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason, counted, unusable
from kaito_presets.preset import GpuRequirements, Preset, TuningMethod
from kaito_skus.sku import GpuSet, Sku

SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """What a run needs of one node, and what the node has."""

    needed: GpuRequirements
    there: GpuSet

    @property
    def missing_gpus(self) -> int:
        return max(0, self.needed.gpu_count - self.there.count)

    @property
    def missing_per_gpu_gib(self) -> float:
        return max(0.0, self.needed.per_gpu_memory_gib - self.there.memory_gib)

    @property
    def missing_total_gib(self) -> float:
        return max(0.0, self.needed.total_memory_gib - self.there.total_memory_gib)

    def explain(self) -> str:
        needed = self.needed
        return (
            f"needs {counted(needed.gpu_count, 'GPU')} of {needed.per_gpu_memory_gib:g} GiB, "
            f"{needed.total_memory_gib:g} GiB in total, and there is {self.there}"
        )


def tuning_fit(
    preset: Preset, method: TuningMethod, gpus: GpuSet, offered: Iterable[Sku] = ()
) -> Fit | Incompatibility:
    """Tuning runs on one node. The remedy names what fits of `offered`, cheapest first."""
    verdict = _tuning_fit(preset, method, gpus)
    if isinstance(verdict, Fit) or verdict.reason in _PRESET_REASONS:
        return verdict
    return _suggest(
        verdict,
        [(1, sku) for sku in offered if isinstance(_tuning_fit(preset, method, sku.gpus), Fit)],
    )


def inference_fit(
    preset: Preset,
    gpus: GpuSet,
    offered: Iterable[Sku] = (),
    *,
    max_nodes: int | None = None,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
) -> Estimate | Incompatibility:
    """The estimate, refused where it takes more than `max_nodes` (None: as many as it takes)."""

    def serve_on(some: GpuSet) -> Estimate | Incompatibility:
        result = estimate(preset, some, context_tokens=context_tokens)
        if isinstance(result, Incompatibility) or max_nodes is None or result.nodes <= max_nodes:
            return result
        return _too_few_nodes(preset, result, max_nodes)

    verdict = serve_on(gpus)
    if isinstance(verdict, Estimate) or verdict.reason in _PRESET_REASONS:
        return verdict
    others = ((serve_on(sku.gpus), sku) for sku in offered)
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
"""No other machine type mends these."""


def _tuning_fit(preset: Preset, method: TuningMethod, gpus: GpuSet) -> Fit | Incompatibility:
    if preset.tuning is None:
        return Incompatibility(
            IncompatibilityReason.NOT_TUNABLE,
            f"{preset.name} cannot be tuned",
            "Choose a preset that can, such as phi-3-mini-128k-instruct",
        )
    needed = preset.tuning.methods.get(method)
    if needed is None:
        return Incompatibility(
            IncompatibilityReason.METHOD_NOT_SUPPORTED,
            f"{preset.name} cannot be tuned with {method}",
            f"Set method to {' or '.join(preset.tuning.methods)}",
        )
    refusal = unusable(gpus)
    if refusal is not None:
        return refusal
    fit = Fit(needed, gpus)
    reason = _shortage(fit)
    if reason is None:
        return fit
    return Incompatibility(
        reason, f"{method} of {preset.name} {fit.explain()}", "Use a machine type with more"
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
        f"{preset.name} takes more than {counted(max_nodes, 'node')}: {result.explain()}",
        f"Allow {result.nodes} nodes, or use a larger machine type",
    )


def _suggest(misfit: Incompatibility, fitting: list[tuple[int, Sku]]) -> Incompatibility:
    """Names the machine types that take the fewest nodes, the cheapest of those first."""
    best = sorted(fitting, key=lambda found: (found[0], found[1].price_rank))[:SUGGESTIONS]
    if not best:
        return misfit
    return replace(misfit, remedy=f"{misfit.remedy}: {', '.join(_named(*b) for b in best)}")


def _named(nodes: int, sku: Sku) -> str:
    name = sku.name if nodes == 1 else f"{nodes} nodes of {sku.name}"
    if sku.price_usd_hour is None:
        return name
    return f"{name} (about ${nodes * sku.price_usd_hour:.2f}/h)"
