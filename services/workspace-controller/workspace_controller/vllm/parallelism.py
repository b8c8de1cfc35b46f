"""How vLLM spreads a model over GPUs."""

from dataclasses import dataclass

from kaito_presets.preset import Attention, Preset

# Below this share of one GPU's memory, copies of a model answer more requests than its parts do.
_COPY_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallelism:
    """The sizes whose product is the number of GPUs."""

    tensor: int = 1
    pipeline: int = 1
    data: int = 1

    @property
    def gpus(self) -> int:
        return self.tensor * self.pipeline * self.data


def choose(preset: Preset, *, gpus: int, memory_gib: float | None, nodes: int) -> Parallelism:
    """For `gpus` on each of the nodes; `memory_gib` is of one GPU, None where it is not known.

    A model that is small beside one GPU gets a copy on each. Otherwise its layers are cut into as
    many parts as the GPUs of a node can hold; what that leaves over becomes stages of a pipeline,
    as do nodes, because they talk less between stages.
    """
    small = memory_gib is not None and preset.weights_gib < _COPY_SHARE * memory_gib
    if nodes == 1 and small:
        return Parallelism(data=gpus)
    tensor = max(size for size in range(1, gpus + 1) if _divides(size, gpus, preset.attention))
    return Parallelism(tensor=tensor, pipeline=gpus * nodes // tensor)


def _divides(size: int, gpus: int, attention: Attention) -> bool:
    """Whether vLLM can cut the attention into parts of one size."""
    if gpus % size or attention.heads % size:
        return False
    # A latent is the same for all heads, and every GPU keeps it whole.
    if attention.latent is not None:
        return True
    return attention.kv_heads % size == 0 or size % attention.kv_heads == 0
