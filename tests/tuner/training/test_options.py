"""The user's options, checked against the libraries' classes."""

from typing import Any

import pytest
from peft import LoraConfig
from trl import SFTConfig

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.options import check_options, construct

# As in a real run (`configure_libraries`).
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")


def test_number_that_yaml_reads_as_a_string_is_converted() -> None:
    checked = check_options("TrainingArguments", {"learning_rate": "1e-4"}, SFTConfig)
    assert checked == {"learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("section", "cls", "options", "expected"),
    [
        ("LoraConfig", LoraConfig, {"lora_alfa": 8}, "did you mean 'lora_alpha'?"),
        ("TrainingArguments", SFTConfig, {"max_seq_length": 8}, "did you mean 'max_"),
        ("TrainingArguments", SFTConfig, {"save_strategy": "often"}, "section TrainingArguments:"),
        ("TrainingArguments", SFTConfig, {"learning_rate": "fast"}, "section TrainingArguments:"),
        ("LoraConfig", LoraConfig, {"use_dora": True, "layers_pattern": "x"}, "section LoraConfig"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_error_names_section_and_key(
    section: str, cls: type, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        construct(section, cls, check_options(section, options, cls))
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert expected in caught.value.message
