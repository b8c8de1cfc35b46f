import dataclasses

import pytest
from trl import DPOConfig, SFTConfig

from tuner.training_defaults import (
    DPO_LEARNING_RATE,
    LEARNING_RATE,
    SFT_DEFAULTS,
    with_defaults,
)


@pytest.mark.parametrize("config", [SFTConfig, DPOConfig])
def test_defaults_are_those_of_trl(config: type) -> None:
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    shared = [name for name in SFT_DEFAULTS if name in fields]
    assert set(SFT_DEFAULTS) - set(shared) <= {"packing"}
    assert {name: fields[name] for name in shared} == {name: SFT_DEFAULTS[name] for name in shared}


def test_what_the_user_sets_overrides_the_defaults() -> None:
    options = with_defaults({"max_length": None, "seed": 7})
    assert (options["max_length"], options["seed"]) == (None, 7)
    assert options["learning_rate"] == LEARNING_RATE
    assert with_defaults({}, preferences=True)["learning_rate"] == DPO_LEARNING_RATE
