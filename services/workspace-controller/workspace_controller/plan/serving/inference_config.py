"""Reads the context length from an inference_config.yaml; the engine reads the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

# vLLM accepts both spellings.
_KEYS = ("max-model-len", "max_model_len")
_MAX_TOKENS = 10_000_000


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """`max_model_len` is in tokens, 0 where the file does not set it.

    `problem` says what is wrong with the file, and continues a sentence that starts with its name.
    """

    max_model_len: int = 0
    problem: str = ""


def parse(text: str) -> InferenceConfig:
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        return InferenceConfig(problem=f"is not YAML: {' '.join(str(error).split())}")
    if not isinstance(document, Mapping):
        return InferenceConfig(problem="must be a mapping, for example vllm: {max-model-len: 4096}")
    engine = document.get("vllm") or {}
    if not isinstance(engine, Mapping):
        return InferenceConfig(problem=f"sets vllm to {engine!r}; it must be a mapping")
    for key in _KEYS:
        if key in engine:
            return _parse_length(key, engine[key])
    return InferenceConfig()


def _parse_length(key: str, value: object) -> InferenceConfig:
    text = str(value)
    if text.isdecimal() and 0 < int(text) <= _MAX_TOKENS:
        return InferenceConfig(int(text))
    return InferenceConfig(problem=f"sets vllm.{key} to {value!r}; use a positive number of tokens")
