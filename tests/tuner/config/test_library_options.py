"""The committed options of PEFT and TRL are those of the installed versions."""

from pathlib import Path

import pytest

from kaito_training.library_options import DPO_ARGUMENTS, LORA_CONFIG, TRAINING_ARGUMENTS
from kaito_training.no_effect import DATA_ARGUMENTS, IMPOSED_ARGUMENTS, UNUSED_ARGUMENTS
from kaito_training.ranges import NARROWED, RANGES
from tools import training_options
from tuner.training.precision import Device
from tuner.training.trainer_config import imposed_options

# Importing torch and the libraries on top of it takes a minute on a busy machine.
pytestmark = pytest.mark.timeout(400)


def test_options_are_up_to_date() -> None:
    assert training_options.TARGET.read_text() == training_options.render(), (
        "run `make training-options`"
    )


def test_imposed_options_are_announced() -> None:
    imposed = imposed_options(Device(gpu=False, bfloat16=False), Path("/mnt/results"))
    assert set(imposed) - {"output_dir"} == IMPOSED_ARGUMENTS


def test_rules_are_about_options_that_exist() -> None:
    known = {f"LoraConfig.{key}" for key in LORA_CONFIG}
    arguments = {*TRAINING_ARGUMENTS, *DPO_ARGUMENTS}
    known |= {f"TrainingArguments.{key}" for key in arguments}
    libraries = ("LoraConfig.", "TrainingArguments.")
    assert {key for key in (*RANGES, *NARROWED) if key.startswith(libraries)} <= known
    assert {*IMPOSED_ARGUMENTS, *UNUSED_ARGUMENTS, *DATA_ARGUMENTS} <= arguments
