"""Every setting of an adapter is applied, describes its training, or is rejected with its value."""

import json
from pathlib import Path
from typing import Any

import peft
import pytest

from model_server.adapters.lora_config import LoraConfig, read_lora_config
from model_server.errors import AdapterInvalid


def read(folder: Path, **settings: Any) -> LoraConfig:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 8, **settings}))
    return read_lora_config(file)


def written_by_peft(folder: Path, **settings: Any) -> LoraConfig:
    peft.LoraConfig(base_model_name_or_path="tiny", **settings).save_pretrained(str(folder))
    return read_lora_config(folder / "adapter_config.json")


def test_what_peft_writes_by_default_is_read(tmp_path: Path) -> None:
    config = written_by_peft(tmp_path)
    assert (config.rank, config.alpha, config.base_model) == (8, 8.0, "tiny")


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["q_proj"], "exclude_modules": ["k_proj"], "lora_dropout": 0.1},
        {"target_modules": ["o_proj"], "layers_to_transform": [0], "layers_pattern": "layers"},
        {"init_lora_weights": "gaussian", "task_type": "CAUSAL_LM", "revision": "main"},
        {"init_lora_weights": False, "inference_mode": True},
        {"rank_pattern": {"o_proj": 2}, "alpha_pattern": {"o_proj": 4}, "use_rslora": True},
    ],
)
def test_settings_that_are_applied_or_describe_the_training_are_read(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    assert written_by_peft(tmp_path, **settings).rank == 8


@pytest.mark.parametrize("value", [None, False, [], {}, ""])
def test_an_unknown_setting_that_is_not_set_is_accepted(tmp_path: Path, value: object) -> None:
    assert read(tmp_path, use_tomorrows_lora=value).rank == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_tomorrows_lora", True),
        ("use_tomorrows_lora", "yes"),
        ("bias", "all"),
        ("bias", "lora_only"),
        ("alora_invocation_tokens", [1, 2]),
        ("layer_replication", [[0, 4], [2, 5]]),
        ("target_parameters", ["experts.gate_up_proj"]),
        ("trainable_token_indices", [7]),
        ("modules_to_save", ["lm_head"]),
        ("use_dora", True),
        ("use_qalora", True),
        ("lora_bias", True),
        ("fan_in_fan_out", True),
        ("megatron_config", {"hidden_size": 8}),
        ("loftq_config", {"loftq_bits": 4}),
        ("corda_config", {"corda_method": "kpm"}),
        ("velora_config", {"num_groups": 2}),
        ("arrow_config", {"top_k": 3}),
        ("init_lora_weights", "pissa"),
        ("init_lora_weights", "pissa_niter_16"),
        ("init_lora_weights", "olora"),
        ("init_lora_weights", "loftq"),
        ("init_lora_weights", ["gaussian"]),
        ("use_rslora", "yes"),
        ("rank_pattern", {"o_proj": "many"}),
        ("rank_pattern", {"(": 4}),
        ("rank_pattern", ["o_proj"]),
    ],
)
def test_a_setting_that_would_not_be_applied_is_rejected_with_its_value(
    tmp_path: Path, key: str, value: Any
) -> None:
    with pytest.raises(AdapterInvalid) as error:
        read(tmp_path, **{key: value})
    assert key in str(error.value)
    shown = next(iter(value)) if isinstance(value, dict) and key.endswith("_pattern") else value
    assert repr(shown) in str(error.value) or str(shown) in str(error.value)


@pytest.mark.parametrize("rank", [0, -1, True, 4.0, "4", None])
def test_a_rank_that_is_no_count_is_rejected(tmp_path: Path, rank: object) -> None:
    with pytest.raises(AdapterInvalid, match="r = "):
        read(tmp_path, r=rank)


def test_scale_is_that_of_peft(tmp_path: Path) -> None:
    config = read(tmp_path, rank_pattern={"o_proj": 2}, alpha_pattern={"layers.0.+o_proj": 6})
    assert config.scale_of("model.layers.0.self_attn.o_proj") == 6 / 2
    assert config.scale_of("model.layers.1.self_attn.o_proj") == 8 / 2
    assert config.scale_of("model.layers.1.self_attn.qkv_proj") == 8 / 4
    # A pattern matches whole parts of a name.
    assert config.scale_of("model.layers.1.self_attn.xo_proj") == 8 / 4
