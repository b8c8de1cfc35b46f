"""Reads a LoRA adapter's folder, and refuses what would not be applied in full.

The format is the one PEFT writes: adapter_config.json and adapter_model.safetensors. Nothing else
in the folder is opened, pickled weights above all.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model_server.engine import AdapterFacts, AdapterSource
from model_server.errors import AdapterInvalid

WEIGHTS_FILE = "adapter_model.safetensors"
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight")
# Kinds of LoRA whose weights are not simply B·A times a number.
_UNSERVED = ("use_dora", "modules_to_save", "lora_bias", "trainable_token_indices", "use_qalora")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One module's change: x (…, in) becomes x·down.T·up.T. `up` holds scale and strength."""

    down: Tensor  # (rank, in)
    up: Tensor  # (out, rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A whole adapter: the change of every module it touches."""

    facts: AdapterFacts
    pairs: Mapping[str, Pair]


def read_lora(source: AdapterSource, shapes: Mapping[str, tuple[int, int]]) -> Lora:
    """Read an adapter for a model whose linear modules have these shapes (out, in).

    Raises AdapterInvalid, naming file, key or shape.
    """
    config = _read_config(source)
    halves = _read_halves(source)
    unknown = sorted({module for module, _ in halves} - set(shapes))
    if unknown:
        raise AdapterInvalid(
            f"adapter {source.name!r} changes {unknown[0]!r} ({len(unknown)} such modules), which "
            "this base model has not; it was trained for another model"
        )
    pairs = {}
    for module in sorted({module for module, _ in halves}):
        try:
            down, up = halves[module, "A"], halves[module, "B"]
        except KeyError as missing:
            raise AdapterInvalid(
                f"adapter {source.name!r} has only one half of {module!r}: {missing}"
            ) from None
        _check_shape(source, module, shapes[module], (down, up))
        scale = source.strength * _scale(config, module, down.shape[0])
        pairs[module] = Pair(down=down, up=up * scale)
        if not bool(up.isfinite().all() and down.isfinite().all()):
            raise AdapterInvalid(f"adapter {source.name!r}: {module!r} holds NaN or infinity")
    if not any(bool(half.any()) for (_, kind), half in halves.items() if kind == "B"):
        raise AdapterInvalid(
            f"adapter {source.name!r} changes nothing: every lora_B is zero; it was never trained"
        )
    facts = AdapterFacts(
        rank=int(config["r"]), base_model=str(config.get("base_model_name_or_path") or "")
    )
    return Lora(facts=facts, pairs=pairs)


def _read_config(source: AdapterSource) -> dict[str, Any]:
    file = source.path / "adapter_config.json"
    try:
        config = json.loads(file.read_text())
        kind, rank = config["peft_type"], config["r"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterInvalid(f"{file} is no LoRA configuration: {error!r}") from error
    if kind != "LORA" or not isinstance(rank, int) or rank < 1:
        raise AdapterInvalid(f"{file}: peft_type {kind!r} with r = {rank!r}; LORA is served")
    for name in _UNSERVED:
        if config.get(name):
            raise AdapterInvalid(
                f"{file}: {name} = {config[name]!r} cannot be served; train plain LoRA"
            )
    if config.get("fan_in_fan_out"):
        raise AdapterInvalid(f"{file}: fan_in_fan_out adapters cannot be served")
    return dict(config)


def _read_halves(source: AdapterSource) -> dict[tuple[str, str], Tensor]:
    file = source.path / WEIGHTS_FILE
    if not file.is_file():
        raise AdapterInvalid(
            f"{source.path} holds no {WEIGHTS_FILE}; other formats can run code when they are read "
            "and are refused"
        )
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise AdapterInvalid(f"{file} is no safetensors file: {error}") from error
    halves = {}
    for key, tensor in tensors.items():
        if not (match := _KEY.fullmatch(key)):
            raise AdapterInvalid(f"{file}: {key!r} is no LoRA weight and would not be applied")
        halves[match["module"], match["half"]] = tensor.float()
    if not halves:
        raise AdapterInvalid(f"{file} is empty")
    return halves


def _check_shape(
    source: AdapterSource, module: str, shape: tuple[int, int], halves: tuple[Tensor, Tensor]
) -> None:
    down, up = halves
    found = (up.shape[0], down.shape[1])
    if found != shape or up.shape[1] != down.shape[0]:
        raise AdapterInvalid(
            f"adapter {source.name!r}: {module!r} is made for a module of {found[0]} x {found[1]} "
            f"and this base model's is {shape[0]} x {shape[1]}; it was trained for another model"
        )


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """PEFT's rule: alpha / rank, or alpha / sqrt(rank) with rsLoRA; patterns go by module."""
    alpha = float(config.get("lora_alpha") or rank)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            alpha = float(value)
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
