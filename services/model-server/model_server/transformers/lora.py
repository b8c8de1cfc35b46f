"""Reads a LoRA adapter's folder, and rejects an adapter that would not be applied in full.

The format is PEFT's: adapter_config.json and adapter_model.safetensors. No other file of the folder
is opened, in particular no pickled weights.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model_server.engine import AdapterInfo, AdapterSource
from model_server.errors import AdapterInvalid

WEIGHTS_FILE = "adapter_model.safetensors"
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<matrix>[AB])\.weight")
# Variants of LoRA whose change is not simply B·A times a number.
_UNSUPPORTED = ("use_dora", "modules_to_save", "lora_bias", "trainable_token_indices", "use_qalora")


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
    config = _read_config(source)
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
        scale = source.strength * _scale(config, module, a.shape[0])
        pairs[module] = LoraPair(a=a, b=b * scale)
        if not bool(a.isfinite().all() and b.isfinite().all()):
            raise AdapterInvalid(
                f"adapter {source.name!r}: {module!r} holds NaN or infinity; train it again"
            )
    if not any(bool(each.any()) for (_, name), each in matrices.items() if name == "B"):
        raise AdapterInvalid(
            f"adapter {source.name!r} changes nothing: every lora_B is zero; it was never trained"
        )
    info = AdapterInfo(
        rank=int(config["r"]), base_model=str(config.get("base_model_name_or_path") or "")
    )
    return LoraAdapter(info=info, pairs=pairs)


def _read_config(source: AdapterSource) -> dict[str, Any]:
    file = source.path / "adapter_config.json"
    try:
        config = json.loads(file.read_text())
        kind, rank = config["peft_type"], config["r"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterInvalid(f"{file} is not a LoRA configuration: {error!r}") from error
    if kind != "LORA" or not isinstance(rank, int) or rank < 1:
        raise AdapterInvalid(
            f"{file}: peft_type {kind!r} with r = {rank!r}; only LORA with r > 0 is supported"
        )
    for name in _UNSUPPORTED:
        if config.get(name):
            raise AdapterInvalid(
                f"{file}: {name} = {config[name]!r} is not supported; train plain LoRA"
            )
    _check_scale_settings(file, config)
    if config.get("fan_in_fan_out"):
        raise AdapterInvalid(f"{file}: fan_in_fan_out adapters are not supported")
    return dict(config)


def _check_scale_settings(file: Path, config: Mapping[str, Any]) -> None:
    """Check the settings that `_scale` computes with."""
    patterns = config.get("alpha_pattern") or {}
    if not isinstance(patterns, dict):
        raise AdapterInvalid(f"{file}: alpha_pattern = {patterns!r} is not an object")
    alphas = {"lora_alpha": config.get("lora_alpha"), **patterns}
    for name, alpha in alphas.items():
        if alpha is None and name == "lora_alpha":
            continue
        # JSON as Python reads it has NaN and Infinity.
        if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not isfinite(alpha):
            raise AdapterInvalid(f"{file}: {name} = {alpha!r} is not a finite number")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise AdapterInvalid(
                f"{file}: alpha_pattern {pattern!r} is not a pattern: {error}"
            ) from error


def _read_weights(source: AdapterSource) -> dict[tuple[str, str], Tensor]:
    file = source.path / WEIGHTS_FILE
    if not file.is_file():
        raise AdapterInvalid(
            f"{source.path} holds no {WEIGHTS_FILE}; other formats can run code when they are read "
            "and are rejected: save the adapter as safetensors"
        )
    try:
        tensors = load_file(file)
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


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """PEFT's scale: alpha / rank, or alpha / sqrt(rank) with rsLoRA; patterns override alpha."""
    alpha = float(config.get("lora_alpha") or rank)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            alpha = float(value)
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
