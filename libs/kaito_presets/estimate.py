"""Estimates how many nodes a model needs for serving, with every intermediate number. Pure.

The formula and its constants are upstream KAITO's estimate for vLLM. Per GPU, in GiB:

    available = (memory * utilization - base overhead - KV cache / GPUs per node) / 1.05
    GPUs      = floor(weights * 1.02 / available) + 1
"""

import math
from dataclasses import dataclass

from kaito_presets.incompatibility import Incompatibility, IncompatibilityReason, counted, unusable
from kaito_presets.preset import Preset
from kaito_skus.sku import GpuSet

# Upstream's assumption when max-model-len is not set.
DEFAULT_CONTEXT_TOKENS = 2048
# The share of a GPU's memory that vLLM may use (gpu-memory-utilization).
UTILIZATION = 0.84
# The engine transformers takes all that the driver and the CUDA context leave.
TRANSFORMERS_UTILIZATION = 0.95
# Loaded weights take slightly more memory than their files.
WEIGHT_FACTOR = 1.02
# Memory of each GPU that vLLM needs besides weights and KV cache, fixed and per GiB of weights.
BASE_OVERHEAD_GIB = 2.3
OVERHEAD_PER_WEIGHT = 0.05

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Sizes in GiB: `weights_gib` of the whole loaded model, the others per GPU.

    `min_gpus` exceeds `gpus_for_weights` if the preset requires more GPUs or memory.
    """

    gpus: GpuSet
    context_tokens: int
    utilization: float
    weights_gib: float
    kv_bytes_per_token: int
    kv_gib: float
    available_gib: float
    gpus_for_weights: int
    min_gpus: int
    nodes: int

    def explain(self) -> str:
        """The arithmetic in one line, for a status or an event."""
        more = f", and the preset requires {self.min_gpus}"
        return (
            f"{counted(self.nodes, 'node')} of {self.gpus}: {self.weights_gib:.2f} GiB of weights; "
            f"each GPU holds ({self.gpus.memory_gib:g} × {self.utilization:g} − "
            f"{BASE_OVERHEAD_GIB} base − {self.kv_gib:.2f} KV cache of "
            f"{self.context_tokens} tokens × {self.kv_bytes_per_token} bytes) / "
            f"{1 + OVERHEAD_PER_WEIGHT} = {self.available_gib:.2f} GiB, so the model needs "
            f"{counted(self.gpus_for_weights, 'GPU')}"
            f"{more if self.min_gpus > self.gpus_for_weights else ''}"
        )


def estimate(
    preset: Preset,
    gpus: GpuSet,
    *,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    utilization: float = UTILIZATION,
) -> Estimate | Incompatibility:
    """How many nodes with these GPUs serve the preset at that context length.

    `utilization` is the share of a GPU's memory that the engine uses.
    """
    incompatibility = unusable(gpus) or _incompatibility(preset, gpus, context_tokens)
    if incompatibility is not None:
        return incompatibility
    weights_gib = preset.weights_gib * WEIGHT_FACTOR
    kv_bytes_per_token = preset.attention.kv_bytes_per_token
    kv_gib = context_tokens * kv_bytes_per_token / gpus.count / _GIB
    fixed_gib = BASE_OVERHEAD_GIB + kv_gib
    available_gib = (gpus.memory_gib * utilization - fixed_gib) / (1 + OVERHEAD_PER_WEIGHT)
    if available_gib <= 0:
        return _too_small(preset, gpus, fixed_gib, utilization)
    required = preset.inference.gpus
    # Floor + 1, as upstream: weights that fit exactly get one GPU more.
    gpus_for_weights = int(weights_gib / available_gib) + 1
    gpus_for_total = math.ceil(required.total_memory_gib / gpus.memory_gib)
    min_gpus = max(gpus_for_weights, gpus_for_total, required.gpu_count)
    result = Estimate(
        gpus=gpus,
        context_tokens=context_tokens,
        utilization=utilization,
        weights_gib=weights_gib,
        kv_bytes_per_token=kv_bytes_per_token,
        kv_gib=kv_gib,
        available_gib=available_gib,
        gpus_for_weights=gpus_for_weights,
        min_gpus=min_gpus,
        nodes=math.ceil(min_gpus / gpus.count),
    )
    return (
        result
        if result.nodes == 1 or _can_span_nodes(preset, gpus)
        else _limited_to_one_node(preset, result)
    )


def _can_span_nodes(preset: Preset, gpus: GpuSet) -> bool:
    return preset.inference.distributed and gpus.mig is None


def _incompatibility(preset: Preset, gpus: GpuSet, context_tokens: int) -> Incompatibility | None:
    """The problems that more nodes do not solve."""
    if context_tokens > preset.token_limit:
        return Incompatibility(
            IncompatibilityReason.CONTEXT_TOO_LONG,
            f"{context_tokens} tokens of context exceed the {preset.token_limit} that "
            f"{preset.name} supports",
            f"Set max-model-len to at most {preset.token_limit}",
        )
    per_gpu_gib = preset.inference.gpus.per_gpu_memory_gib
    if gpus.memory_gib < per_gpu_gib:
        return Incompatibility(
            IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
            f"{preset.name} needs {per_gpu_gib:g} GiB on each GPU, but {gpus} has less",
            f"Use GPUs of at least {per_gpu_gib:g} GiB",
        )
    return None


def _too_small(
    preset: Preset, gpus: GpuSet, fixed_gib: float, utilization: float
) -> Incompatibility:
    return Incompatibility(
        IncompatibilityReason.GPU_MEMORY_TOO_SMALL,
        f"{preset.name} needs {fixed_gib:.2f} GiB of each GPU besides its weights, but "
        f"{utilization:.0%} of {gpus} is only {gpus.memory_gib * utilization:.2f} GiB",
        f"Use GPUs of more than {fixed_gib / utilization:.1f} GiB, or a smaller max-model-len",
    )


def _limited_to_one_node(preset: Preset, result: Estimate) -> Incompatibility:
    what = "a MIG slice" if result.gpus.mig is not None else "the model"
    return Incompatibility(
        IncompatibilityReason.NOT_DISTRIBUTED,
        f"{preset.name} needs {counted(result.min_gpus, 'GPU')} of {result.gpus.memory_gib:g} GiB, "
        f"a node has {result.gpus.count}, and {what} cannot span nodes",
        "Use an instance type with more or larger GPUs",
    )
