"""Loads training_config.yaml into a TrainingConfig. The file's schema is upstream KAITO's."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from tuner.config.section_reader import config_invalid, read_section, unknown_key
from tuner.config.sections import (
    DataCollator,
    DatasetConfig,
    ModelConfig,
    QuantizationConfig,
    TrainingConfig,
)
from tuner.config.validation import validate
from tuner.settings import Method

SECTIONS = (
    "ModelConfig",
    "QuantizationConfig",
    "LoraConfig",
    "TrainingArguments",
    "DataCollator",
    "DatasetConfig",
)
# Files written for upstream may set these keys of ModelConfig. The platform decides them, so they
# are accepted and ignored.
PLATFORM_KEYS = frozenset(
    "pretrained_model_name_or_path state_dict cache_dir force_download proxies "
    "output_loading_info local_files_only revision from_tf resume_download "
    "load_in_4bit load_in_8bit".split()
)


def load_config(path: Path, method: Method) -> TrainingConfig:
    """The configuration at `path`, or the default of `method` if the file does not exist.

    Raises:
        RunError: CONFIG_INVALID.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = default_config(method)
    except (OSError, UnicodeDecodeError) as error:
        raise config_invalid(f"it cannot be read: {error}") from error
    return parse_config(text, method)


def default_config(method: Method) -> str:
    """The text of the default configuration of `method`."""
    return (files("tuner") / "templates" / f"{method.value}.yaml").read_text(encoding="utf-8")


def parse_config(text: str, method: Method) -> TrainingConfig:
    """Parse and validate the text of a training_config.yaml.

    Raises:
        RunError: CONFIG_INVALID.
    """
    sections = _read_sections(text)
    config = TrainingConfig(
        model=read_section(ModelConfig, "ModelConfig", sections["ModelConfig"], PLATFORM_KEYS),
        quantization=read_section(
            QuantizationConfig, "QuantizationConfig", sections["QuantizationConfig"]
        ),
        lora=sections["LoraConfig"],
        training=sections["TrainingArguments"],
        collator=read_section(DataCollator, "DataCollator", sections["DataCollator"]),
        dataset=read_section(DatasetConfig, "DatasetConfig", sections["DatasetConfig"]),
        digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    )
    validate(config, method)
    return config


def _read_sections(text: str) -> dict[str, Mapping[str, Any]]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise config_invalid(f"it is not YAML: {error}") from error
    if not isinstance(document, Mapping) or not isinstance(
        document.get("training_config"), Mapping
    ):
        raise config_invalid("it must hold one mapping called training_config with the sections")
    for key in document:
        if key != "training_config":
            raise unknown_key("the file", "key", key, ["training_config"])
    root = document["training_config"]
    for name, values in root.items():
        if name not in SECTIONS:
            raise unknown_key("training_config", "section", name, SECTIONS)
        if not isinstance(values, Mapping | None):
            raise config_invalid(
                f"section {name} is {values!r}; it must be a mapping of keys to values"
            )
    return {name: root.get(name) or {} for name in SECTIONS}
