"""LoRA's options and target modules."""

import pytest

from tuner.training.lora_config import build_lora_config, choose_target_modules


@pytest.mark.parametrize(
    ("platform", "model_type", "modules"),
    [
        ((), "phi3", ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
        (("a", "b"), "phi3", ["a", "b"]),
        ((), "llama", None),
        ((), "never-heard-of", "all-linear"),
    ],
)
def test_target_modules_are_chosen(
    platform: tuple[str, ...], model_type: str, modules: object
) -> None:
    assert choose_target_modules(platform, model_type) == modules


def test_target_modules_of_the_user_come_first() -> None:
    config = build_lora_config({"r": 4, "target_modules": ["o_proj"]}, ("a",), "phi3")
    assert config.target_modules == {"o_proj"}
    assert config.task_type == "CAUSAL_LM"
    assert config.r == 4
