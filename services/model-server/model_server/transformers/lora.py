"""Reads a LoRA adapter's folder, and rejects an adapter that would not be applied in full.

The format is PEFT's: adapter_config.json and adapter_model.safetensors. No other file of the folder
is opened, in particular no pickled weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from model_server.adapters.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from model_server.adapters.lora_config import read_lora_config
from model_server.adapters.lora_rules import (
    Matrix,
    Shape,
    changes_nothing,
    check_modules,
    check_pairs,
    no_weights,
    not_finite,
    parse_key,
)
from model_server.engine import AdapterInfo, AdapterSource
from model_server.errors import AdapterInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraPair:
    """The matrices A and B of one module, which adds x·A.T·B.T to its output for x (…, in).

    B includes scale and strength.
    """

    a: Tensor  # (rank, in)
    b: Tensor  # (out, rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraAdapter:
    """A whole adapter: the matrices of every module that it changes."""

    info: AdapterInfo
    pairs: Mapping[str, LoraPair]


def read_lora(source: AdapterSource, shapes: Mapping[str, Shape]) -> LoraAdapter:
    """Read an adapter for a model whose linear modules have these shapes (out, in).

    Raises:
        AdapterInvalid: names the file, key or shape.
    """
    config = read_lora_config(source.path / CONFIG_FILE)
    matrices = _read_weights(source)
    modules = sorted({module for module, _ in matrices})
    check_modules(source, [module for module in modules if module not in shapes])
    found = {matrix: (each.shape[0], each.shape[1]) for matrix, each in matrices.items()}
    check_pairs(source, config, found, shapes)
    pairs = {}
    for module in modules:
        a, b = matrices[module, "A"], matrices[module, "B"]
        pair = LoraPair(a=a, b=b * source.strength * config.scale_of(module))
        if not bool(pair.a.isfinite().all() and pair.b.isfinite().all()):
            raise not_finite(source, module)
        pairs[module] = pair
    if not any(bool(each.any()) for (_, name), each in matrices.items() if name == "B"):
        raise changes_nothing(source)
    info = AdapterInfo(rank=config.rank, base_model=config.base_model)
    return LoraAdapter(info=info, pairs=pairs)


def _read_weights(source: AdapterSource) -> dict[Matrix, Tensor]:
    file = source.path / WEIGHTS_FILE
    if not file.is_file():
        raise no_weights(source, file)
    try:
        # Not load_file, whose tensors are views of the mapped file: they would change with it.
        tensors = load(file.read_bytes())
    except (SafetensorError, OSError) as error:
        raise AdapterInvalid(f"{file} is not a safetensors file: {error}") from error
    matrices = {
        parse_key(file, key, tensor.dim()): tensor.float() for key, tensor in tensors.items()
    }
    if not matrices:
        raise AdapterInvalid(f"{file} is empty")
    return matrices
