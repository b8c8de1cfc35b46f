"""What must hold between the sections, and between the file and the Workspace. Pure."""

from pathlib import PurePosixPath
from typing import Any

from tuner.config.sections import TrainingConfig
from tuner.config.typed import invalid
from tuner.errors import RunError
from tuner.settings import RESULTS_DIR, Method

VOLUME_ROOT = PurePosixPath("/mnt")


def check(config: TrainingConfig, method: Method) -> None:
    """Refuses what `method` contradicts and numbers out of range.

    Errors: RunError(CONFIG_INVALID).
    """
    for trouble in (_quantization(config, method), _dataset(config), _output(config)):
        if trouble is not None:
            raise trouble


def _quantization(config: TrainingConfig, method: Method) -> RunError | None:
    quantization = config.quantization
    if quantization.load_in_4bit and quantization.load_in_8bit:
        return invalid("QuantizationConfig sets load_in_4bit and load_in_8bit; keep one of them")
    if method is Method.LORA and quantization.active:
        key = "load_in_4bit" if quantization.load_in_4bit else "load_in_8bit"
        return invalid(
            f"QuantizationConfig.{key} is true, but tuning.method is lora; "
            "set it to false, or use method qlora"
        )
    if method is Method.QLORA and not quantization.active:
        return invalid(
            "tuning.method is qlora, but QuantizationConfig sets neither load_in_4bit nor "
            "load_in_8bit; set one of them to true, or use method lora"
        )
    return None


def _dataset(config: TrainingConfig) -> RunError | None:
    dataset = config.dataset
    if not 0 < dataset.train_test_split <= 1:
        return invalid(
            f"DatasetConfig.train_test_split is {dataset.train_test_split}; "
            "use a number above 0 and at most 1 (1 trains on everything)"
        )
    if dataset.messages_column and dataset.context_column:
        return invalid(
            "DatasetConfig sets messages_column and context_column; keep messages_column for "
            "conversations, or context_column and response_column for pairs"
        )
    return None


def _output(config: TrainingConfig) -> RunError | None:
    value: Any = config.training.get("output_dir", RESULTS_DIR)
    remedy = f"use a directory below {VOLUME_ROOT}, for example {RESULTS_DIR}"
    if not isinstance(value, str):
        return invalid(f"TrainingArguments.output_dir is {value!r}; {remedy}")
    path = PurePosixPath(value)
    if path == VOLUME_ROOT or ".." in path.parts or not path.is_relative_to(VOLUME_ROOT):
        return invalid(f"TrainingArguments.output_dir is {value!r}; {remedy}")
    return None
