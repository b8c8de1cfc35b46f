"""Reads a LoRA adapter's folder, and rejects an adapter that would not be applied in full.

The format is PEFT's: adapter_config.json and adapter_model.safetensors. No other file of the folder
is opened, in particular no pickled weights.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from model_server.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from model_server.engine import AdapterInfo, AdapterSource
from model_server.errors import AdapterInvalid
from model_server.transformers.lora_config import LoraConfig, read_lora_config

_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<matrix>[AB])\.weight")


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


def read_lora(source: AdapterSource, shapes: Mapping[str, tuple[int, int]]) -> LoraAdapter:
    """Read an adapter for a model whose linear modules have these shapes (out, in).

    Raises:
        AdapterInvalid: names the file, key or shape.
    """
    config = read_lora_config(source.path / CONFIG_FILE)
    matrices = _read_weights(source)
    unknown = sorted({module for module, _ in matrices} - set(shapes))
    if unknown:
        raise AdapterInvalid(
            f"adapter {source.name!r} changes {unknown[0]!r} (and {len(unknown) - 1} more modules) "
            "that this base model does not have; it was trained for another model"
        )
    pairs = {}
    for module in sorted({module for module, _ in matrices}):
        try:
            a, b = matrices[module, "A"], matrices[module, "B"]
        except KeyError as missing:
            raise AdapterInvalid(
                f"adapter {source.name!r} has only one of the matrices A and B of {module!r}: "
                f"{missing} is missing"
            ) from None
        _check_shape(source, module, shapes[module], (a, b))
        _check_rank(source, module, config, a.shape[0])
        scale = source.strength * config.scale_of(module)
        pairs[module] = LoraPair(a=a, b=b * scale)
        if not bool(a.isfinite().all() and b.isfinite().all()):
            raise AdapterInvalid(
                f"adapter {source.name!r}: {module!r} holds NaN or infinity; train it again"
            )
    if not any(bool(each.any()) for (_, name), each in matrices.items() if name == "B"):
        raise AdapterInvalid(
            f"adapter {source.name!r} changes nothing: every lora_B is zero; it was never trained"
        )
    info = AdapterInfo(rank=config.rank, base_model=config.base_model)
    return LoraAdapter(info=info, pairs=pairs)


def _read_weights(source: AdapterSource) -> dict[tuple[str, str], Tensor]:
    file = source.path / WEIGHTS_FILE
    if not file.is_file():
        raise AdapterInvalid(
            f"{source.path} holds no {WEIGHTS_FILE}; other formats can run code when they are read "
            "and are rejected: save the adapter as safetensors"
        )
    try:
        # Not load_file, whose tensors are views of the mapped file: they would change with it.
        tensors = load(file.read_bytes())
    except (SafetensorError, OSError) as error:
        raise AdapterInvalid(f"{file} is not a safetensors file: {error}") from error
    matrices = {}
    for key, tensor in tensors.items():
        if not (match := _KEY.fullmatch(key)):
            raise AdapterInvalid(f"{file}: {key!r} is not a LoRA weight and would not be applied")
        if tensor.dim() != 2:
            raise AdapterInvalid(f"{file}: {key!r} has {tensor.dim()} dimensions, not 2")
        matrices[match["module"], match["matrix"]] = tensor.float()
    if not matrices:
        raise AdapterInvalid(f"{file} is empty")
    return matrices


def _check_shape(
    source: AdapterSource, module: str, shape: tuple[int, int], matrices: tuple[Tensor, Tensor]
) -> None:
    a, b = matrices
    found = (b.shape[0], a.shape[1])
    if found != shape or b.shape[1] != a.shape[0]:
        raise AdapterInvalid(
            f"adapter {source.name!r}: {module!r} is for a module of {found[0]} x {found[1]}, "
            f"and this base model's is {shape[0]} x {shape[1]}; it was trained for another model"
        )


def _check_rank(source: AdapterSource, module: str, config: LoraConfig, found: int) -> None:
    """Check the rank, which the scale is computed with."""
    if found != (expected := config.rank_of(module)):
        raise AdapterInvalid(
            f"adapter {source.name!r}: the matrices of {module!r} have rank {found}, and r or "
            f"rank_pattern in {CONFIG_FILE} says {expected}; the two files are not of one adapter"
        )
