"""Which configuration files are rejected before a node is paid for."""

import pytest

from workspace_controller.plan.serving.engines import inference_config
from workspace_controller.plan.tuning import training_config

QLORA = "QuantizationConfig: {load_in_4bit: true}"


def training(sections: str) -> str:
    return f"training_config: {{{sections}}}"


@pytest.mark.parametrize(
    ("text", "method", "expected"),
    [
        (training(QLORA), "qlora", None),
        (training(""), "lora", None),
        (training("LoraConfig: {r: 8}, TrainingArguments: {output_dir: /mnt/x}"), "lora", None),
        (training("LoraConfig:"), "lora", None),
        ("training_config: [", "lora", "cannot be used: it is not YAML"),
        ("", "lora", "one mapping called training_config"),
        ("- a", "lora", "one mapping called training_config"),
        (training("Tokenizer: {}"), "lora", "'Tokenizer'"),
        (training("LoraConfig: 3"), "lora", "must be a mapping"),
        (training(QLORA), "lora", "tuning.method is lora"),
        (training(""), "qlora", "tuning.method is qlora"),
        (training("QuantizationConfig: {load_in_4bit: true, load_in_8bit: true}"), "qlora", "one"),
        (training("QuantizationConfig: {load_in_4bit: 'yes'}"), "qlora", "'yes'"),
        (training("TrainingArguments: {output_dir: /tmp}"), "lora", "/mnt/results"),
        (training("TrainingArguments: {output_dir: /mnt}"), "lora", "/mnt/results"),
        (training("TrainingArguments: {output_dir: /mnt/../etc}"), "lora", "/mnt/results"),
        (training("TrainingArguments: {output_dir: 3}"), "lora", "output_dir is 3"),
        (training("TrainingArguments: {num_train_epochs: 0}"), "lora", "use a number above 0"),
        (training("TrainingArguments: {learning_rate: fast}"), "lora", "is 'fast'; use a number"),
        (training("TrainingArguments: {lerning_rate: 1e-4}"), "lora", "mean 'learning_rate'?"),
        (training("TrainingArguments: {learning_rate: 1e-4}"), "lora", None),
        (training("LoraConfig: {r: eight}"), "lora", "LoraConfig.r is 'eight'; use a whole"),
        (training("LoraConfig: {task_type: SEQ_CLS}"), "lora", "use CAUSAL_LM"),
        (training("LoraConfig: {r: 8, r: 16}"), "lora", "repeats the key 'r'"),
    ],
)  # fmt: skip
def test_training_config(text: str, method: str, expected: str | None) -> None:
    problem = training_config.find_problem(text, method, serves_adapter=True)
    assert problem is None if expected is None else expected in (problem or "")


def test_adapter_that_cannot_be_served_is_refused_where_it_would_be() -> None:
    text = training("LoraConfig: {use_dora: true}")
    problem = training_config.find_problem(text, "lora", serves_adapter=True)
    assert problem == (
        "describes an adapter that no Workspace can serve: LoraConfig.use_dora is True; remove it, "
        'or set the annotation kaito.sh/serve-tuned-model to "false" to train without serving'
    )
    assert training_config.find_problem(text, "lora", serves_adapter=False) is None


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("", 0, ""),
        ("other: 1", 0, ""),
        ("vllm: {max-model-len: 4096}", 4096, ""),
        ("vllm: {max_model_len: '4096'}", 4096, ""),
        ("vllm: {max-model-len: 0}", 0, "positive number of tokens"),
        ("vllm: {max-model-len: auto}", 0, ""),
        ("vllm: {max-model-len: long}", 0, "'long'"),
        ("vllm: 3", 0, "must be a mapping"),
        ("[1]", 0, "must be a mapping"),
        ("{", 0, "is not YAML"),
    ],
)
def test_inference_config(text: str, length: int, expected: str) -> None:
    config = inference_config.parse(text)
    assert config.max_model_len == length
    assert expected in config.problem if expected else config.problem == ""
