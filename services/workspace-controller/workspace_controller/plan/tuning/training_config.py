"""Checks a training_config.yaml before a node is paid for.

Checks only what needs no library. The tuner checks every key against the classes that take it.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

SECTIONS = (
    "ModelConfig",
    "QuantizationConfig",
    "LoraConfig",
    "TrainingArguments",
    "DataCollator",
    "DatasetConfig",
)
# All volumes of the tuning pod are mounted below it.
_ROOT = PurePosixPath("/mnt")


def find_problem(text: str, method: str) -> str | None:
    """What is wrong with the file, with key, value and remedy; None where nothing is.

    The sentence continues one that starts with the file's name.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return f"is not YAML: {' '.join(str(error).split())}"
    sections = document.get("training_config") if isinstance(document, Mapping) else None
    if not isinstance(sections, Mapping):
        return "has no mapping training_config: put all sections under that key"
    for name, section in sections.items():
        if name not in SECTIONS:
            return f"has an unknown section {name!r}; the sections are {', '.join(SECTIONS)}"
        if not isinstance(section, Mapping | None):
            return f"sets section {name} to {section!r}; it must be a mapping"
    return _quantization_problem(
        sections.get("QuantizationConfig") or {}, method
    ) or _output_problem(sections.get("TrainingArguments") or {})


def _quantization_problem(section: Mapping[str, Any], method: str) -> str | None:
    four, eight = section.get("load_in_4bit", False), section.get("load_in_8bit", False)
    for key, value in (("load_in_4bit", four), ("load_in_8bit", eight)):
        if not isinstance(value, bool):
            return f"sets QuantizationConfig.{key} to {value!r}; use true or false"
    if four and eight:
        return "sets QuantizationConfig.load_in_4bit and load_in_8bit; keep one of them"
    if method == "lora" and (four or eight):
        return "sets QuantizationConfig, but tuning.method is lora; use qlora, or remove it"
    if method == "qlora" and not (four or eight):
        return "does not quantize, but tuning.method is qlora; set load_in_4bit to true"
    return None


def _output_problem(section: Mapping[str, Any]) -> str | None:
    value = section.get("output_dir", "/mnt/results")
    problem = (
        f"sets TrainingArguments.output_dir to {value!r}; use a directory below /mnt, for example "
        "/mnt/results"
    )
    if not isinstance(value, str):
        return problem
    path = PurePosixPath(value)
    is_below = path != _ROOT and ".." not in path.parts and path.is_relative_to(_ROOT)
    return None if is_below else problem
