"""Rules between the sections of training_config.yaml, and between it and the Workspace. Pure.

The controller checks the same rules before it pays for a node (plan/training_config.py); a contract
test compares the two.
"""

from pathlib import PurePosixPath
from typing import Any

from tuner.config.section_reader import config_invalid
from tuner.config.sections import TrainingConfig
from tuner.errors import RunError
from tuner.settings import RESULTS_DIR, Method

# The pod's only writable volumes are mounted below it.
VOLUME_ROOT = PurePosixPath("/mnt")


def validate(config: TrainingConfig, method: Method) -> None:
    """Reject values out of range and whatever contradicts `method`.

    Raises:
        RunError: CONFIG_INVALID.
    """
    for error in (_quantization(config, method), _dataset(config), _output_dir(config)):
        if error is not None:
            raise error


def _quantization(config: TrainingConfig, method: Method) -> RunError | None:
    quantization = config.quantization
    if quantization.load_in_4bit and quantization.load_in_8bit:
        return config_invalid(
            "QuantizationConfig sets load_in_4bit and load_in_8bit; keep one of them"
        )
    if method is Method.LORA and quantization.active:
        key = "load_in_4bit" if quantization.load_in_4bit else "load_in_8bit"
        return config_invalid(
            f"QuantizationConfig.{key} is true, but tuning.method is lora; "
            "set it to false, or use method qlora"
        )
    if method is Method.QLORA and not quantization.active:
        return config_invalid(
            "tuning.method is qlora, but QuantizationConfig sets neither load_in_4bit nor "
            "load_in_8bit; set one of them to true, or use method lora"
        )
    return None


def _dataset(config: TrainingConfig) -> RunError | None:
    dataset = config.dataset
    if not 0 < dataset.train_test_split <= 1:
        return config_invalid(
            f"DatasetConfig.train_test_split is {dataset.train_test_split}; "
            "use a number above 0 and at most 1 (1 trains on everything)"
        )
    if dataset.messages_column and dataset.context_column:
        return config_invalid(
            "DatasetConfig sets messages_column and context_column; keep messages_column for "
            "conversations, or context_column and response_column for pairs"
        )
    return None


def _output_dir(config: TrainingConfig) -> RunError | None:
    value: Any = config.training.get("output_dir", RESULTS_DIR)
    remedy = f"use a directory below {VOLUME_ROOT}, for example {RESULTS_DIR}"
    if not isinstance(value, str):
        return config_invalid(f"TrainingArguments.output_dir is {value!r}; {remedy}")
    path = PurePosixPath(value)
    if path == VOLUME_ROOT or ".." in path.parts or not path.is_relative_to(VOLUME_ROOT):
        return config_invalid(f"TrainingArguments.output_dir is {value!r}; {remedy}")
    return None
