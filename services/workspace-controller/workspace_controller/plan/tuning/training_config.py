"""Whether a training_config.yaml can be meant for a run, told before a node is paid for.

Only what needs no library: the tuner checks every key against the classes that take it.
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
_ROOT = PurePosixPath("/mnt")


def failure(text: str, method: str) -> str | None:
    """What is wrong with the file, with key, value and remedy; None when nothing is."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return f"is not YAML: {_one_line(error)}"
    sections = document.get("training_config") if isinstance(document, Mapping) else None
    if not isinstance(sections, Mapping):
        return "needs a mapping training_config at its top"
    for name, section in sections.items():
        if name not in SECTIONS:
            return f"has a section {name!r}; allowed are {', '.join(SECTIONS)}"
        if not isinstance(section, Mapping | None):
            return f"section {name} is {section!r}; it must be a mapping"
    return _quantization(sections.get("QuantizationConfig") or {}, method) or _output(
        sections.get("TrainingArguments") or {}
    )


def _quantization(section: Mapping[str, Any], method: str) -> str | None:
    four, eight = section.get("load_in_4bit", False), section.get("load_in_8bit", False)
    for key, value in (("load_in_4bit", four), ("load_in_8bit", eight)):
        if not isinstance(value, bool):
            return f"QuantizationConfig.{key} is {value!r}; set true or false"
    if four and eight:
        return "QuantizationConfig sets load_in_4bit and load_in_8bit; keep one of them"
    if method == "lora" and (four or eight):
        return "QuantizationConfig quantizes, and tuning.method is lora; use qlora, or false"
    if method == "qlora" and not (four or eight):
        return "tuning.method is qlora; set QuantizationConfig.load_in_4bit to true"
    return None


def _output(section: Mapping[str, Any]) -> str | None:
    value = section.get("output_dir", "/mnt/results")
    remedy = "set a directory below /mnt, for example /mnt/results"
    if not isinstance(value, str):
        return f"TrainingArguments.output_dir is {value!r}; {remedy}"
    path = PurePosixPath(value)
    if path == _ROOT or ".." in path.parts or not path.is_relative_to(_ROOT):
        return f"TrainingArguments.output_dir is {value!r}; {remedy}"
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
