"""Reads an inference_config.yaml: the options of vLLM, and the context length among them."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from kaito_presets import context_length
from kaito_training.errors import ConfigError
from workspace_controller.vllm.user_options import read_options

# The other two configure KAITO's wrapper around vLLM, which does not exist here.
_SECTIONS = ("vllm", "max_probe_steps", "kv_cache_cpu_memory_utilization")


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """`max_model_len` is in tokens, 0 where the file does not set it.

    `options` are the other options of vLLM. `problem` says what is wrong with the file, and
    `vllm_problem` what is wrong with it only if vLLM reads it; both continue a sentence that starts
    with its name.
    """

    max_model_len: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    vllm_problem: str = ""


def parse(text: str) -> InferenceConfig:
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        return InferenceConfig(problem=f"is not YAML: {' '.join(str(error).split())}")
    if not isinstance(document, Mapping):
        return InferenceConfig(problem="must be a mapping, for example vllm: {max-model-len: 4096}")
    section = document.get("vllm") or {}
    if not isinstance(section, Mapping):
        return InferenceConfig(problem=f"sets vllm to {section!r}; it must be a mapping")
    if problem := context_length.find_problem(section):
        return InferenceConfig(problem=problem)
    found = context_length.context_length(section)
    if unknown := next((key for key in document if key not in _SECTIONS), None):
        near = difflib.get_close_matches(str(unknown), _SECTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else "the options of vLLM belong below vllm"
        return InferenceConfig(found, vllm_problem=f"has the unknown key {unknown!r}: {hint}")
    try:
        options = read_options({k: v for k, v in section.items() if k not in context_length.KEYS})
    except ConfigError as error:
        return InferenceConfig(found, vllm_problem=str(error))
    return InferenceConfig(found, options)
