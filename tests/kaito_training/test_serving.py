"""Which adapters could not be served after the training."""

import pytest

from kaito_training.config import parse_config
from kaito_training.serving import find_unserved


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("use_dora: true", "LoraConfig.use_dora is True; remove it"),
        ("modules_to_save: [lm_head]", "LoraConfig.modules_to_save is ['lm_head']"),
        ("layer_replication: [[0, 4], [2, 5]]", "LoraConfig.layer_replication"),
        ("bias: all", "LoraConfig.bias is 'all'; use none"),
        ("target_modules: [q_proj, model.embed_tokens]", "names 'model.embed_tokens'; remove it"),
        ("target_modules: [lm_head]", "names 'lm_head'"),
        ("target_modules: lm_head", "names 'lm_head'"),
    ],
)
def test_adapter_that_is_not_served_is_named(options: str, expected: str) -> None:
    lora = parse_config(f"training_config: {{LoraConfig: {{{options}}}}}", "lora").lora
    assert expected in (find_unserved(lora) or "")


@pytest.mark.parametrize(
    "options",
    [
        "",
        "use_dora: false, modules_to_save: null",
        "target_modules: all-linear",
        "use_rslora: true",
    ],
)
def test_plain_lora_is_served(options: str) -> None:
    lora = parse_config(f"training_config: {{LoraConfig: {{{options}}}}}", "lora").lora
    assert find_unserved(lora) is None
