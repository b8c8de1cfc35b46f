"""Parses a training_config.yaml. The file's schema is upstream KAITO's."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kaito_training.errors import ConfigError
from kaito_training.library_options import LORA_CONFIG
from kaito_training.no_effect import PLATFORM_KEYS, find_warnings
from kaito_training.option_types import quote
from kaito_training.section_reader import read_options, read_section, unknown_key
from kaito_training.sections import (
    DPO,
    DataCollator,
    DatasetConfig,
    ModelConfig,
    QuantizationConfig,
    TrainingConfig,
)
from kaito_training.training_arguments import read_arguments
from kaito_training.validation import validate
from kaito_training.yaml_text import load_yaml

SECTIONS = (
    "ModelConfig",
    "QuantizationConfig",
    "LoraConfig",
    "TrainingArguments",
    "DataCollator",
    "DatasetConfig",
)


def parse_config(text: str, method: str) -> TrainingConfig:
    """Parse and validate the text of a training_config.yaml for a `method` of tuning.

    Raises:
        ConfigError: the file cannot be used.
    """
    sections = _read_sections(text)
    config = TrainingConfig(
        model=read_section(ModelConfig, "ModelConfig", sections["ModelConfig"], PLATFORM_KEYS),
        quantization=read_section(
            QuantizationConfig, "QuantizationConfig", sections["QuantizationConfig"]
        ),
        lora=read_options("LoraConfig", sections["LoraConfig"], LORA_CONFIG),
        training=read_arguments(sections["TrainingArguments"], method),
        collator=read_section(DataCollator, "DataCollator", sections["DataCollator"]),
        dataset=replace(
            read_section(DatasetConfig, "DatasetConfig", sections["DatasetConfig"]),
            preferences=method == DPO,
        ),
        warnings=tuple(find_warnings(sections)),
        digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    )
    validate(config, method)
    return config


def _read_sections(text: str) -> dict[str, Mapping[str, Any]]:
    document = load_yaml(text)
    if not isinstance(document, Mapping) or not isinstance(
        document.get("training_config"), Mapping
    ):
        raise ConfigError("it must hold one mapping called training_config with the sections")
    for key in document:
        if key != "training_config":
            raise unknown_key("the file", "key", key, ["training_config"])
    root = document["training_config"]
    for name, values in root.items():
        if name not in SECTIONS:
            raise unknown_key("training_config", "section", name, SECTIONS)
        if not isinstance(values, Mapping | None):
            raise ConfigError(
                f"section {name} is {quote(values)}; it must be a mapping of keys to values"
            )
    return {name: root.get(name) or {} for name in SECTIONS}
