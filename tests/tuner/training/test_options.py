"""The user's options against the libraries' classes."""

from typing import Any

import pytest
from peft import LoraConfig
from trl import SFTConfig

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.adapter import choose_modules, lora_config
from tuner.training.options import build, check_options

# The trainer ignores it too (`set_up_libraries`).
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")


def test_numbers_that_yaml_reads_as_text() -> None:
    checked = check_options("TrainingArguments", {"learning_rate": "1e-4"}, SFTConfig)
    assert checked == {"learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("section", "cls", "options", "said"),
    [
        ("LoraConfig", LoraConfig, {"lora_alfa": 8}, "did you mean 'lora_alpha'?"),
        ("TrainingArguments", SFTConfig, {"max_seq_length": 8}, "did you mean 'max_"),
        ("TrainingArguments", SFTConfig, {"save_strategy": "often"}, "section TrainingArguments:"),
        ("TrainingArguments", SFTConfig, {"learning_rate": "fast"}, "section TrainingArguments:"),
        ("LoraConfig", LoraConfig, {"use_dora": True, "layers_pattern": "x"}, "section LoraConfig"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors(section: str, cls: type, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RunError) as caught:
        build(section, cls, check_options(section, options, cls))
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("platform", "model_type", "modules"),
    [
        ((), "phi3", ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
        (("a", "b"), "phi3", ["a", "b"]),
        ((), "llama", None),
        ((), "never-heard-of", "all-linear"),
    ],
)
def test_target_modules(platform: tuple[str, ...], model_type: str, modules: object) -> None:
    assert choose_modules(platform, model_type) == modules


def test_the_user_names_target_modules_first() -> None:
    config = lora_config({"r": 4, "target_modules": ["o_proj"]}, ("a",), "phi3")
    assert config.target_modules == {"o_proj"}
    assert config.task_type == "CAUSAL_LM"
    assert config.r == 4
