"""What a training_config.yaml may say about learning from preferences (tuning.method dpo)."""

import pytest

from kaito_training.config import parse_config
from kaito_training.errors import ConfigError


def _file(sections: str) -> str:
    return f"training_config: {{{sections}}}"


@pytest.mark.parametrize(
    "sections",
    [
        "",
        "QuantizationConfig: {load_in_4bit: true}",
        "QuantizationConfig: {load_in_8bit: true}",
        "TrainingArguments: {beta: 0.2, loss_type: ipo}",
        "TrainingArguments: {loss_type: [sigmoid, bco_pair], loss_weights: [0.8, 0.2]}",
        "TrainingArguments: {f_divergence_type: js_divergence}",
        "DatasetConfig: {system_prompt: Be brief., train_test_split: 0.9}",
        "LoraConfig: {use_rslora: true, modules_to_save: [lm_head]}",
    ],
)
def test_the_base_model_may_be_quantized_or_not(sections: str) -> None:
    assert parse_config(_file(sections), "dpo").dataset.preferences


def test_other_methods_learn_answers() -> None:
    assert not parse_config(_file(""), "lora").dataset.preferences


@pytest.mark.parametrize(
    ("method", "sections", "expected"),
    [
        (
            "dpo",
            "QuantizationConfig: {load_in_4bit: true, load_in_8bit: true}",
            "QuantizationConfig sets load_in_4bit and load_in_8bit; keep one of them",
        ),
        (
            "dpo",
            "TrainingArguments: {packing: true}",
            "TrainingArguments.packing is no option of tuning.method dpo; remove it, or use method "
            "lora or qlora",
        ),
        (
            "dpo",
            "TrainingArguments: {completion_only_loss: false}",
            "TrainingArguments.completion_only_loss is no option of tuning.method dpo; remove it",
        ),
        (
            "qlora",
            "TrainingArguments: {beta: 0.1}",
            "TrainingArguments.beta is no option of tuning.method qlora; remove it, or use method "
            "dpo",
        ),
        ("dpo", "TrainingArguments: {betta: 0.1}", "did you mean 'beta'?"),
        ("dpo", "TrainingArguments: {beta: 0}", "TrainingArguments.beta is 0; use a number above"),
        (
            "dpo",
            "TrainingArguments: {loss_type: sft}",
            "TrainingArguments.loss_type has 'sft'; use one of: sigmoid, hinge,",
        ),
        (
            "dpo",
            "TrainingArguments: {loss_type: [sigmoid], loss_weights: [0.8, 0.2]}",
            "loss_weights has 2 numbers, and loss_type has 1 losses",
        ),
        ("dpo", "TrainingArguments: {loss_weights: [x]}", "use a list of numbers"),
        ("dpo", "TrainingArguments: {loss_weights: [true]}", "use a list of numbers"),
        ("dpo", "TrainingArguments: {loss_weights: [.nan]}", "use a list of numbers"),
        ("dpo", f"TrainingArguments: {{loss_weights: [1{'0' * 400}]}}", "use a list of numbers"),
        ("dpo", "TrainingArguments: {loss_type: []}", "loss_type is []; use one of: sigmoid,"),
        ("dpo", "TrainingArguments: {loss_type: ''}", "has ''; use one of: sigmoid,"),
        ("dpo", "TrainingArguments: {loss_type: exo_pair}", "needs label_smoothing above 0"),
        (
            "dpo",
            "TrainingArguments: {loss_type: nca_pair, f_divergence_type: js_divergence}",
            "f_divergence_type is 'js_divergence', which loss_type 'nca_pair' does not have",
        ),
        (
            "dpo",
            "TrainingArguments: {sync_ref_model: true}",
            "TrainingArguments.sync_ref_model is True; the reference is the model without",
        ),
        (
            "dpo",
            "TrainingArguments: {precompute_ref_log_probs: true}",
            "the reference is computed with each batch, from the same weights; remove it",
        ),
        ("dpo", "TrainingArguments: {padding_free: true}", "tuning.method dpo pads: remove it"),
        (
            "dpo",
            "DatasetConfig: {messages_column: chat}",
            "DatasetConfig.messages_column is 'chat', but tuning.method dpo reads the columns "
            "prompt, chosen and rejected; remove it, and rename the columns of the data",
        ),
        ("dpo", "DatasetConfig: {response_column: a}", "DatasetConfig.response_column is 'a', but"),
        (
            "dpo",
            "DatasetConfig: {preferences: true}",
            "section DatasetConfig has the unknown key 'preferences'",
        ),
        (
            "dpo",
            "LoraConfig: {init_lora_weights: pissa}",
            "LoraConfig.init_lora_weights is 'pissa', which changes the base model, and "
            "tuning.method dpo compares with it; use true",
        ),
        ("dpo", "LoraConfig: {bias: all}", "LoraConfig.bias is 'all', which changes the base"),
        (
            "dpo",
            "LoraConfig: {target_modules: [q_proj, lm_head]}",
            "LoraConfig.target_modules names 'lm_head', which tuning.method dpo computes without",
        ),
        # A list has no hash.
        ("lora", "LoraConfig: {init_lora_weights: [1]}", "LoraConfig.init_lora_weights is [1];"),
    ],
    ids=lambda value: value[:60],
)
def test_a_contradiction_is_named_with_its_remedy(
    method: str, sections: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(_file(sections), method)
    assert expected in str(caught.value)
