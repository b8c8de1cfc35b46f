"""How many nodes it takes to serve a model, with every number on the way. Pure.

The formula is upstream's estimate for vLLM: what utilization leaves of each GPU, less a fixed
overhead and its share of the KV cache, holds weights and an overhead that grows with them.
"""

import math
from dataclasses import dataclass

from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason, counted, unusable
from kaito_presets.preset import Preset
from kaito_skus.sku import GpuSet

DEFAULT_CONTEXT_TOKENS = 2048
UTILIZATION = 0.84
WEIGHT_FACTOR = 1.02
BASE_OVERHEAD_GIB = 2.3
OVERHEAD_PER_WEIGHT = 0.05

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`weights_gib` is the whole model loaded; the other GiB are of one GPU.

    `min_gpus` is more than `gpus_for_weights` where the preset asks for more itself.
    """

    gpus: GpuSet
    context_tokens: int
    weights_gib: float
    kv_bytes_per_token: int
    kv_gib: float
    available_gib: float
    gpus_for_weights: int
    min_gpus: int
    nodes: int

    def explain(self) -> str:
        """The arithmetic in one line, for a status or an event."""
        more = f", and the preset asks for {self.min_gpus}"
        return (
            f"{counted(self.nodes, 'node')} of {self.gpus}: {self.weights_gib:.2f} GiB of weights; "
            f"each GPU holds ({self.gpus.memory_gib:g} × {UTILIZATION} − {BASE_OVERHEAD_GIB} base "
            f"− {self.kv_gib:.2f} KV cache of {self.context_tokens} tokens × "
            f"{self.kv_bytes_per_token} bytes) / {1 + OVERHEAD_PER_WEIGHT} = "
            f"{self.available_gib:.2f} GiB, so they need {counted(self.gpus_for_weights, 'GPU')}"
            f"{more if self.min_gpus > self.gpus_for_weights else ''}"
        )


def estimate(
    preset: Preset, gpus: GpuSet, *, context_tokens: int = DEFAULT_CONTEXT_TOKENS
) -> Estimate | Incompatibility:
    """Nodes with these GPUs that serve the preset at that context length."""
    refusal = unusable(gpus) or _refuse(preset, gpus, context_tokens)
    if refusal is not None:
        return refusal
    weights_gib = preset.weights_gib * WEIGHT_FACTOR
    kv_bytes_per_token = preset.attention.kv_bytes_per_token
    kv_gib = context_tokens * kv_bytes_per_token / gpus.count / _GIB
    fixed_gib = BASE_OVERHEAD_GIB + kv_gib
    available_gib = (gpus.memory_gib * UTILIZATION - fixed_gib) / (1 + OVERHEAD_PER_WEIGHT)
    if available_gib <= 0:
        return _too_small(preset, gpus, fixed_gib)
    need = preset.inference.gpus
    gpus_for_weights = int(weights_gib / available_gib) + 1
    gpus_for_total = math.ceil(need.total_memory_gib / gpus.memory_gib)
    min_gpus = max(gpus_for_weights, gpus_for_total, need.gpu_count)
    result = Estimate(
        gpus=gpus,
        context_tokens=context_tokens,
        weights_gib=weights_gib,
        kv_bytes_per_token=kv_bytes_per_token,
        kv_gib=kv_gib,
        available_gib=available_gib,
        gpus_for_weights=gpus_for_weights,
        min_gpus=min_gpus,
        nodes=math.ceil(min_gpus / gpus.count),
    )
    return result if result.nodes == 1 or _may_span(preset, gpus) else _one_node(preset, result)


def _may_span(preset: Preset, gpus: GpuSet) -> bool:
    return preset.inference.distributed and gpus.mig is None


def _refuse(preset: Preset, gpus: GpuSet, context_tokens: int) -> Incompatibility | None:
    """What no amount of nodes would mend."""
    if context_tokens > preset.token_limit:
        return Incompatibility(
            IncompatibilityReason.CONTEXT_TOO_LONG,
            f"{context_tokens} tokens of context are more than the {preset.token_limit} that "
            f"{preset.name} was trained for",
            f"Set max-model-len to at most {preset.token_limit}",
        )
    per_gpu_gib = preset.inference.gpus.per_gpu_memory_gib
    if gpus.memory_gib < per_gpu_gib:
        return Incompatibility(
            IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
            f"{preset.name} needs {per_gpu_gib:g} GiB on each GPU, {gpus} has less",
            f"Use GPUs of at least {per_gpu_gib:g} GiB",
        )
    return None


def _too_small(preset: Preset, gpus: GpuSet, fixed_gib: float) -> Incompatibility:
    return Incompatibility(
        IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
        f"{preset.name} takes {fixed_gib:.2f} GiB of each GPU before any weights, and "
        f"{UTILIZATION:.0%} of {gpus} is no more than {gpus.memory_gib * UTILIZATION:.2f} GiB",
        f"Use GPUs of more than {fixed_gib / UTILIZATION:.1f} GiB, or a smaller max-model-len",
    )


def _one_node(preset: Preset, result: Estimate) -> Incompatibility:
    what = "a MIG slice" if result.gpus.mig is not None else "the model"
    return Incompatibility(
        IncompatibilityReason.NOT_DISTRIBUTED,
        f"{preset.name} needs {counted(result.min_gpus, 'GPU')} of {result.gpus.memory_gib:g} GiB, "
        f"a node has {result.gpus.count}, and {what} cannot span nodes",
        "Use a machine type with more GPUs, or with larger ones",
    )
