"""What the controller itself reads of an inference_config.yaml: the context length."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

_KEYS = ("max-model-len", "max_model_len")


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """`max_model_len` is 0 where the file leaves it to the engine. `trouble` is what is wrong."""

    max_model_len: int = 0
    failure: str = ""


def read(text: str) -> InferenceConfig:
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        return InferenceConfig(failure=f"is not YAML: {' '.join(str(error).split())}")
    if not isinstance(document, Mapping):
        return InferenceConfig(failure="must be a mapping, for example vllm: {max-model-len: 4096}")
    engine = document.get("vllm") or {}
    if not isinstance(engine, Mapping):
        return InferenceConfig(failure=f"vllm is {engine!r}; it must be a mapping")
    for key in _KEYS:
        if key in engine:
            return _length(key, engine[key])
    return InferenceConfig()


def _length(key: str, value: object) -> InferenceConfig:
    text = str(value)
    if text.isdecimal() and 0 < int(text) <= 10_000_000:
        return InferenceConfig(int(text))
    return InferenceConfig(failure=f"vllm.{key} is {value!r}; set a whole number of tokens above 0")
