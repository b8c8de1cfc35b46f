"""Rules between the options of a training_config.yaml, and between it and the Workspace. Pure."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from kaito_training.errors import ConfigError
from kaito_training.preferences import find_contradictions
from kaito_training.row_template import parse_template
from kaito_training.sections import DatasetConfig, TrainingConfig

# Where the tuner's results volume is mounted. The pod's only writable volumes are below the root.
RESULTS_DIR = "/mnt/results"
VOLUME_ROOT = PurePosixPath("/mnt")


def validate(config: TrainingConfig, method: str) -> None:
    """Reject whatever contradicts itself or the `method` of tuning.

    Raises:
        ConfigError: with the first contradiction.
    """
    for message in (
        *_quantization(config, method),
        *_initial_weights(config),
        *_dataset(config),
        *_training(config),
        *find_contradictions(config),
        *_output_dir(config),
    ):
        raise ConfigError(message)


def _quantization(config: TrainingConfig, method: str) -> Iterator[str]:
    quantization = config.quantization
    if quantization.load_in_4bit and quantization.load_in_8bit:
        yield "QuantizationConfig sets load_in_4bit and load_in_8bit; keep one of them"
    if method == "lora" and quantization.active:
        key = "load_in_4bit" if quantization.load_in_4bit else "load_in_8bit"
        yield (
            f"QuantizationConfig.{key} is true, but tuning.method is lora; "
            "set it to false, or use method qlora"
        )
    if method == "qlora" and not quantization.active:
        yield (
            "tuning.method is qlora, but QuantizationConfig sets neither load_in_4bit nor "
            "load_in_8bit; set one of them to true, or use method lora"
        )


def _initial_weights(config: TrainingConfig) -> Iterator[str]:
    """PiSSA takes a part out of the base model, which the saved adapter gives back."""
    if not config.pissa:
        return
    value = config.lora["init_lora_weights"]
    if config.quantization.active:
        yield (
            f"LoraConfig.init_lora_weights is {value!r}, which needs a base model that is not "
            "quantized; use method lora, or true"
        )
    for key in ("use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "modules_to_save"):
        if config.lora.get(key):
            yield (
                f"LoraConfig sets init_lora_weights {value!r} and {key}, and the adapter could not "
                "be converted to plain LoRA; keep one of them"
            )


def _dataset(config: TrainingConfig) -> Iterator[str]:
    dataset = config.dataset
    if dataset.messages_column:
        for key in ("context_column", "prompt_template", "response_template"):
            if getattr(dataset, key):
                yield (
                    f"DatasetConfig sets messages_column and {key}; keep messages_column for "
                    "conversations, or columns or templates of prompt and response for pairs"
                )
    if dataset.context_column and dataset.prompt_template:
        yield "DatasetConfig sets context_column and prompt_template; keep one of them"
    named = dataset.response_column != DatasetConfig().response_column
    if named and dataset.response_template:
        yield "DatasetConfig sets response_column and response_template; keep one of them"
    for key in ("prompt_template", "response_template"):
        template = getattr(dataset, key)
        if template is not None:
            parse_template(template, f"DatasetConfig.{key}")


def _training(config: TrainingConfig) -> Iterator[str]:
    """What the trainer itself only refuses after the model is loaded."""
    options = config.training
    evaluation = options.get("eval_strategy", "no")
    if evaluation != "no" and config.dataset.train_test_split == 1:
        yield (
            f"TrainingArguments.eval_strategy is {evaluation!r}, but "
            "DatasetConfig.train_test_split is 1, which holds nothing back; lower it, or remove "
            "eval_strategy"
        )
    if options.get("fp16") and options.get("bf16"):
        yield "TrainingArguments sets fp16 and bf16; keep one of them"
    if options.get("load_best_model_at_end") and options.get("save_strategy", "no") != evaluation:
        yield (
            "TrainingArguments.load_best_model_at_end is true, but save_strategy and "
            "eval_strategy differ; set both to the same value"
        )


def _output_dir(config: TrainingConfig) -> Iterator[str]:
    value: Any = config.training.get("output_dir") or RESULTS_DIR
    path = PurePosixPath(value)
    if path == VOLUME_ROOT or ".." in path.parts or not path.is_relative_to(VOLUME_ROOT):
        yield (
            f"TrainingArguments.output_dir is {value!r}; use a directory below {VOLUME_ROOT}, for "
            f"example {RESULTS_DIR}"
        )
