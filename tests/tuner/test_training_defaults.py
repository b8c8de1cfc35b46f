import dataclasses

from trl import SFTConfig

from tuner.training_defaults import LEARNING_RATE, SFT_DEFAULTS, with_defaults


def test_defaults_are_those_of_trl() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(SFTConfig)}
    assert {name: fields[name] for name in SFT_DEFAULTS} == dict(SFT_DEFAULTS)


def test_what_the_user_sets_overrides_the_defaults() -> None:
    options = with_defaults({"max_length": None, "seed": 7})
    assert (options["max_length"], options["seed"]) == (None, 7)
    assert options["learning_rate"] == LEARNING_RATE
