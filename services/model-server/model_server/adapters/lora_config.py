"""Reads adapter_config.json, and rejects settings that would not be applied.

A setting is understood, or describes only the training, or must not be set. So a variant of LoRA
that PEFT learns later is rejected by its name, and never served as if it were plain LoRA.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from model_server.errors import AdapterInvalid

_UNDERSTOOD = frozenset(
    "peft_type r lora_alpha rank_pattern alpha_pattern use_rslora base_model_name_or_path "
    "init_lora_weights".split()
)
# How the adapter was trained or stored. What it changes is in the names and shapes of its matrices.
_TRAINING_ONLY = frozenset(
    "task_type peft_version auto_mapping revision inference_mode lora_dropout target_modules "
    "exclude_modules layers_to_transform layers_pattern eva_config".split()
)
# PEFT's defaults of other settings, where they are neither null nor false nor empty.
_DEFAULTS: Mapping[str, object] = {
    "bias": "none",
    "megatron_core": "megatron.core",
    "qalora_group_size": 16,
}
# The other ways to initialize (pissa, olora, loftq, ...) change the base model's weights, too, and
# PEFT changes them again when it loads the adapter.
_INITIALIZERS = (None, True, False, "gaussian", "eva", "orthogonal")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """The settings that determine what an adapter adds."""

    rank: int
    alpha: float
    rank_patterns: Mapping[str, int]
    alpha_patterns: Mapping[str, float]
    use_rslora: bool
    base_model: str

    def rank_of(self, module: str) -> int:
        """The rank that a module's matrices must have."""
        return int(_matching(self.rank_patterns, module, self.rank))

    def scale_of(self, module: str) -> float:
        """PEFT's scale: alpha / rank, or alpha / sqrt(rank) with rsLoRA."""
        rank = self.rank_of(module)
        alpha = _matching(self.alpha_patterns, module, self.alpha)
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)


def read_lora_config(file: Path) -> LoraConfig:
    """Read an adapter's configuration.

    Raises:
        AdapterInvalid: names the file, the setting and its value.
    """
    try:
        content = json.loads(file.read_text())
        kind, rank = content["peft_type"], content["r"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterInvalid(f"{file} is not a LoRA configuration: {error!r}") from error
    if kind != "LORA" or not _is_rank(rank):
        raise AdapterInvalid(
            f"{file}: peft_type {kind!r} with r = {rank!r}; only LORA with r > 0 is supported"
        )
    _reject_unapplied(file, content)
    alpha = content.get("lora_alpha")
    rslora = content.get("use_rslora")
    if rslora not in (None, True, False):
        raise AdapterInvalid(f"{file}: use_rslora = {rslora!r} is neither true nor false")
    return LoraConfig(
        rank=rank,
        alpha=_alpha(file, "lora_alpha", rank if alpha is None else alpha),
        rank_patterns=_ranks(file, content),
        alpha_patterns={
            pattern: _alpha(file, pattern, value)
            for pattern, value in _patterns(file, content, "alpha_pattern").items()
        },
        use_rslora=bool(rslora),
        base_model=str(content.get("base_model_name_or_path") or ""),
    )


def _reject_unapplied(file: Path, content: Mapping[str, Any]) -> None:
    for key, value in content.items():
        if key in _UNDERSTOOD | _TRAINING_ONLY or not value or _DEFAULTS.get(key) == value:
            continue
        raise AdapterInvalid(f"{file}: {key} = {value!r} is not supported; train plain LoRA")
    initializer = content.get("init_lora_weights")
    if initializer not in _INITIALIZERS:
        raise AdapterInvalid(
            f"{file}: init_lora_weights = {initializer!r} is not supported, since it changes the "
            "base model as well; save the adapter with path_initial_model_for_weight_conversion"
        )


def _ranks(file: Path, content: Mapping[str, Any]) -> Mapping[str, int]:
    patterns = _patterns(file, content, "rank_pattern")
    for pattern, rank in patterns.items():
        if not _is_rank(rank):
            raise AdapterInvalid(f"{file}: rank_pattern {pattern} = {rank!r} is not a rank above 0")
    return patterns


def _patterns(file: Path, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    patterns = content.get(key) or {}
    if not isinstance(patterns, dict):
        raise AdapterInvalid(f"{file}: {key} = {patterns!r} is not an object")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise AdapterInvalid(f"{file}: {key} {pattern!r} is not a pattern: {error}") from error
    return patterns


def _alpha(file: Path, name: str, value: object) -> float:
    # JSON as Python reads it has NaN and Infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise AdapterInvalid(f"{file}: {name} = {value!r} is not a finite number")
    return float(value)


def _is_rank(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _matching(patterns: Mapping[str, float], module: str, default: float) -> float:
    """The first pattern's value that matches the end of a module's name, as in PEFT."""
    for pattern, value in patterns.items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            return value
    return default
