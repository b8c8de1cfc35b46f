"""What only the libraries' own classes refuse."""

from typing import Any

import pytest
from peft import LoraConfig
from trl import SFTConfig

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.options import construct

# As in a real run (`configure_libraries`).
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")


@pytest.mark.parametrize(
    ("section", "cls", "options"),
    [
        ("TrainingArguments", SFTConfig, {"optim_args": "x", "fp16": True, "bf16": True}),
        ("LoraConfig", LoraConfig, {"use_dora": True, "layers_pattern": "x"}),
    ],
)
def test_error_names_the_section(section: str, cls: type, options: dict[str, Any]) -> None:
    with pytest.raises(RunError) as caught:
        construct(section, cls, options)
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert f"section {section}: " in caught.value.message
