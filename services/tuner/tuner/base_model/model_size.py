"""The number of a model's parameters, from the headers of its files. Reads no weights."""

import json
from math import prod
from pathlib import Path

from tuner.base_model.safetensors_header import read_safetensors_header

# Several quantized weights share an element of these types, so shapes do not tell their number.
_PACKED = frozenset({"U8", "I8", "I32"})
# The keys by which configurations give the number of a token's experts.
_EXPERTS = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k")


def count_parameters(model: Path) -> int | None:
    """The parameters that each token passes in the model of the directory `model`.

    None if the files do not tell: they are not safetensors, the weights are quantized, or a token
    passes only some experts of the model.
    """
    try:
        config = json.loads((model / "config.json").read_bytes())
        if any(config.get(key) for key in _EXPERTS):
            return None
        return sum(_count(model / name) for name in _weight_files(model)) or None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _weight_files(model: Path) -> list[str]:
    """Some models come with their weights a second time, in files that no index names."""
    index = model / "model.safetensors.index.json"
    if index.is_file():
        return sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    return ["model.safetensors"]


def _count(file: Path) -> int:
    tensors = read_safetensors_header(file).tensors.values()
    if any(tensor["dtype"] in _PACKED for tensor in tensors):
        raise ValueError("the weights are quantized")
    return sum(prod(tensor["shape"]) for tensor in tensors)
