"""The section TrainingArguments: which options it has depends on the method."""

from collections.abc import Mapping
from typing import Any

from kaito_training.errors import ConfigError
from kaito_training.library_options import DPO_ARGUMENTS, TRAINING_ARGUMENTS
from kaito_training.section_reader import read_options
from kaito_training.sections import DPO

# The library takes a single loss, too.
_TYPES: Mapping[str, str] = {**DPO_ARGUMENTS, "loss_type": "str | list[str]"}


def read_arguments(values: Mapping[str, Any], method: str) -> dict[str, Any]:
    """The options of the trainer that the `method` of tuning has.

    Raises:
        ConfigError: a key is unknown or of another method, or a value is wrong.
    """
    dpo = method == DPO
    types, others = (_TYPES, TRAINING_ARGUMENTS) if dpo else (TRAINING_ARGUMENTS, _TYPES)
    for key in values:
        if key not in types and key in others:
            remedy = "or use method lora or qlora" if dpo else f"or use method {DPO}"
            raise ConfigError(
                f"TrainingArguments.{key} is no option of tuning.method {method}; remove it, "
                f"{remedy}"
            )
    return read_options("TrainingArguments", values, types)
