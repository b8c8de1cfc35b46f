"""training_config.yaml, as upstream writes it and as people get it wrong."""

from pathlib import Path

import pytest

from tuner.config.load import default_config, load_config, parse_config
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.settings import Method


@pytest.mark.parametrize("method", list(Method))
def test_default_config_is_valid_for_its_method(method: Method, tmp_path: Path) -> None:
    config = load_config(tmp_path / "absent.yaml", method)
    assert config.quantization.active is (method is Method.QLORA)
    assert config.model.torch_dtype == "bfloat16"
    assert config.lora == {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
    assert config.training["per_device_train_batch_size"] == 1
    assert config.dataset.train_test_split == 1
    assert config.digest.startswith("sha256:")


def test_default_of_qlora_is_that_of_lora_plus_quantization() -> None:
    lora, qlora = (parse_config(default_config(method), method) for method in Method)
    assert qlora.quantization.bnb_4bit_quant_type == "nf4"
    assert qlora.quantization.bnb_4bit_use_double_quant
    assert (lora.model, lora.lora, lora.training) == (qlora.model, qlora.lora, qlora.training)


def test_keys_that_the_platform_decides_are_accepted() -> None:
    text = """
training_config:
  ModelConfig: {pretrained_model_name_or_path: /workspace/tfs/weights, cache_dir: /x, revision: v1}
  DatasetConfig: {train_test_split: "1", shuffle_seed: 7}
  LoraConfig:
"""
    config = parse_config(text, Method.LORA)
    assert config.dataset.train_test_split == 1.0
    assert config.dataset.shuffle_seed == 7
    assert config.lora == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "it is not YAML"),
        ("- 1", "one mapping called training_config"),
        ("training_config: {}\nother: 1", "unknown key 'other'"),
        ("training_config: {LoraConf: {}}", "did you mean 'LoraConfig'?"),
        ("training_config: {Tokenizer: {}}", "use one of: DataCollator, DatasetConfig"),
        ("training_config: {LoraConfig: 8}", "section LoraConfig is 8"),
        ("training_config: {DatasetConfig: {shufle_seed: 1}}", "did you mean 'shuffle_seed'?"),
        ("training_config: {DatasetConfig: {shuffle_seed: x}}", "shuffle_seed is 'x'; use a whole"),
        ("training_config: {DatasetConfig: {shuffle_dataset: 1}}", "use true or false"),
        ("training_config: {DatasetConfig: {train_test_split: 0}}", "train_test_split is 0.0"),
        ("training_config: {DatasetConfig: {train_test_split: 1.5}}", "at most 1"),
        (
            "training_config: {DatasetConfig: {messages_column: a, context_column: b}}",
            "keep messages_column for conversations",
        ),
        ("training_config: {ModelConfig: {torch_dtype: int8}}", "use one of: auto, bfloat16"),
        ("training_config: {QuantizationConfig: {load_in_4bit: 'yes'}}", "use true or false"),
        (
            "training_config: {QuantizationConfig: {load_in_4bit: true, load_in_8bit: true}}",
            "keep one of them",
        ),
        ("training_config: {QuantizationConfig: {load_in_8bit: true}}", "tuning.method is lora"),
        ("training_config: {TrainingArguments: {output_dir: /results}}", "below /mnt"),
        ("training_config: {TrainingArguments: {output_dir: /mnt}}", "below /mnt"),
        ("training_config: {TrainingArguments: {output_dir: /mnt/../etc}}", "below /mnt"),
        ("training_config: {TrainingArguments: {output_dir: 3}}", "output_dir is 3"),
    ],
    ids=lambda value: value[:44],
)
def test_error_names_what_is_wrong(text: str, expected: str) -> None:
    with pytest.raises(RunError) as caught:
        parse_config(text, Method.LORA)
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert not caught.value.retryable
    assert caught.value.message.startswith("training_config.yaml: ")
    assert expected in caught.value.message


def test_qlora_without_quantization_is_refused() -> None:
    with pytest.raises(RunError, match="sets neither load_in_4bit nor load_in_8bit"):
        parse_config("training_config: {}", Method.QLORA)
