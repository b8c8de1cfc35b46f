"""training_config.yaml, as upstream writes it and as people get it wrong."""

import pytest

from kaito_training.config import parse_config
from kaito_training.errors import ConfigError


def _file(sections: str) -> str:
    return f"training_config: {{{sections}}}"


def test_keys_that_the_platform_decides_are_accepted() -> None:
    text = """
training_config:
  ModelConfig: {pretrained_model_name_or_path: /workspace/tfs/weights, cache_dir: /x, revision: v1}
  DatasetConfig: {train_test_split: "1", shuffle_seed: 7}
  LoraConfig:
"""
    config = parse_config(text, "lora")
    assert config.dataset.train_test_split == 1.0
    assert config.dataset.shuffle_seed == 7
    assert config.lora == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [("8", 8), ("1e1", 10), ("1E+1", 10), ("1.6e1", 16), ("'8'", 8), ("8.0", 8)],
)
def test_whole_numbers_in_any_form_are_whole_numbers(text: str, value: int) -> None:
    alpha = parse_config(_file(f"LoraConfig: {{lora_alpha: {text}}}"), "lora").lora["lora_alpha"]
    assert (alpha, type(alpha)) == (value, int)


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.0e-4", "0.0001", "'1e-4'", "100e-6"])
def test_numbers_in_any_form_are_numbers(text: str) -> None:
    config = parse_config(_file(f"TrainingArguments: {{learning_rate: {text}}}"), "lora")
    assert config.training["learning_rate"] == pytest.approx(1e-4)


@pytest.mark.parametrize(
    "options",
    [
        "lr_scheduler_type: cosine",
        "lr_scheduler_kwargs: {num_cycles: 2}",
        "save_strategy: no",
        "save_strategy: 'no'",
        "max_steps: -1",
        "max_steps: 5, num_train_epochs: 0.5",
        "max_length: null",
        "pad_to_multiple_of: 8",
        "pad_to_multiple_of: auto",
        "report_to: [tensorboard]",
        "warmup_steps: 0.1",
        "gradient_checkpointing: yes",
        "optim: adamw_torch, optim_args: 'a=1'",
    ],
)
def test_options_of_the_trainer_are_accepted(options: str) -> None:
    parse_config(_file(f"TrainingArguments: {{{options}}}"), "lora")


@pytest.mark.parametrize(
    "options",
    [
        "r: 16, lora_alpha: 32, lora_dropout: 0.1, bias: none, task_type: CAUSAL_LM",
        "target_modules: [q_proj, v_proj]",
        "target_modules: all-linear",
        "layers_to_transform: [0, 1]",
        "layers_to_transform: 3",
        "init_lora_weights: gaussian",
        "init_lora_weights: pissa",
        "init_lora_weights: pissa_niter_16",
        "use_rslora: true",
        "use_dora: true",
        "init_lora_weights: true",
        "modules_to_save: null",
        "rank_pattern: {q_proj: 4}",
    ],
)
def test_options_of_lora_are_accepted(options: str) -> None:
    parse_config(_file(f"LoraConfig: {{{options}}}"), "lora")


TRAINING_FAULTS = [
    ("num_train_epochs: 0", "TrainingArguments.num_train_epochs is 0; use a number above 0"),
    ("num_train_epochs: -1", "use a number above 0"),
    ("max_steps: 0", "max_steps is 0; use a whole number of at least 1, or -1"),
    ("max_steps: 1.5", "max_steps is 1.5; use a whole number"),
    ("gradient_checkpointing: 'yes'", "gradient_checkpointing is 'yes'; use true or false"),
    ("gradient_checkpointing: 1", "use true or false"),
    (
        "per_device_train_batch_size: two",
        "TrainingArguments.per_device_train_batch_size is 'two'; use a whole number of at least 1",
    ),
    ("per_device_train_batch_size: 0", "use a whole number of at least 1"),
    ("per_device_train_batch_size: true", "is True; use a whole number"),
    ("per_device_train_batch_size:", "is None; use a whole number"),
    ("learning_rate: fast", "is 'fast'; use a number above 0 and at most 1"),
    ("learning_rate: -1", "is -1; use a number above 0 and at most 1"),
    ("learning_rate: 0", "use a number above 0"),
    ("learning_rate: 1e30", "is 1e+30; use a number above 0 and at most 1"),
    ("learning_rate: .nan", "is nan; use a number"),
    ("learning_rate: .inf", "is inf; use a number"),
    ("learning_rate: [1e-4]", "is [0.0001]; use a number"),
    ("lr_scheduler_type: cosin", "is 'cosin'; use one of: linear, cosine"),
    ("optim: adam", "is 'adam'; use one of: adamw_torch"),
    ("save_strategy: often", "is 'often'; use one of: no, steps, epoch, best"),
    ("report_to: 3", "is 3; use a string, or a list of strings, or null"),
    ("fsdp_config: 3", "fsdp_config is 3; use a string, or a mapping, or null"),
    ("max_length: 1", "max_length is 1; use a whole number of at least 2, or null"),
    ("seed: -1", "seed is -1; use a whole number of at least 0 and at most 4294967295"),
    ("lerning_rate: 1e-4", "has the unknown key 'lerning_rate'; did you mean 'learning_rate'?"),
    ("max_seq_length: 8", "did you mean 'max_"),
    ("fp16: true, bf16: true", "sets fp16 and bf16"),
    ("load_best_model_at_end: true, save_strategy: epoch", "save_strategy and eval_strategy"),
    ("output_dir: /results", "below /mnt"),
    ("output_dir: /mnt", "below /mnt"),
    ("output_dir: /mnt/../etc", "below /mnt"),
    ("output_dir: 3", "output_dir is 3"),
]
LORA_FAULTS = [
    ("task_type: SEQ_CLS", "LoraConfig.task_type is 'SEQ_CLS'; use CAUSAL_LM"),
    ("peft_type: IA3", "LoraConfig.peft_type is 'IA3'; use LORA"),
    ("r: eight", "LoraConfig.r is 'eight'; use a whole number of at least 1"),
    ("r: 0", "LoraConfig.r is 0"),
    ("r: 8.5", "LoraConfig.r is 8.5"),
    ("lora_alpha: 0", "use a whole number of at least 1"),
    ("lora_dropout: 1", "use a number of at least 0 and below 1"),
    ("lora_dropout: none", "lora_dropout is 'none'"),
    ("target_modules: 3", "use a string, or a list of strings, or null"),
    ("target_modules: [1]", "target_modules is [1]"),
    ("bias: some", "use one of: none, all, lora_only"),
    ("inference_mode: true", "inference_mode is True; use false"),
    ("init_lora_weights: olora", "use true or false, or one of: gaussian, orthogonal, pissa"),
    ("init_lora_weights: loftq", "'loftq'; LoftQ's adapter fits only the base model that it has"),
    ("init_lora_weights: pissa, use_dora: true", "init_lora_weights 'pissa' and use_dora"),
    ("init_lora_weights: pissa, use_rslora: true", "init_lora_weights 'pissa' and use_rslora"),
    ("eva_config: {rho: 2}", "eva_config is {'rho': 2}; use null"),
    ("rank_pattern: {q_proj: four}", "rank_pattern is {'q_proj': 'four'}; use a mapping of names"),
    ("alpha_pattern: {q_proj: 0}", "use a mapping of names to whole numbers of at least 1"),
    ("alpha_pattern: 8", "use a mapping of names"),
    ("lora_alfa: 8", "did you mean 'lora_alpha'?"),
]
OTHER_FAULTS = [
    ("a: [", "it is not YAML"),
    ("a: 2001-99-99", "it is not YAML"),
    ("[" * 5000, "it is not YAML"),
    ("- 1", "one mapping called training_config"),
    ("", "one mapping called training_config"),
    ("training_config: {}\nother: 1", "unknown key 'other'"),
    (_file("LoraConf: {}"), "did you mean 'LoraConfig'?"),
    (_file("Tokenizer: {}"), "use one of: DataCollator, DatasetConfig"),
    (_file("LoraConfig: 8"), "section LoraConfig is 8"),
    (_file("DatasetConfig: {shufle_seed: 1}"), "did you mean 'shuffle_seed'?"),
    (_file("DatasetConfig: {shuffle_seed: x}"), "shuffle_seed is 'x'; use a whole"),
    (_file("DatasetConfig: {shuffle_dataset: 1}"), "use true or false"),
    (_file("DatasetConfig: {train_test_split: 0}"), "train_test_split is 0"),
    (
        _file("DatasetConfig: {weights: {a: 0}}"),
        "weights is {'a': 0}; use a mapping of names to nu",
    ),
    (_file("DatasetConfig: {weights: {a: 1001}}"), "numbers above 0 and at most 1000"),
    (_file("DatasetConfig: {weights: {a: x}}"), "DatasetConfig.weights is {'a': 'x'}"),
    (_file("DatasetConfig: {weights: [1, 2]}"), "DatasetConfig.weights is [1, 2]"),
    (_file("DatasetConfig: {train_test_split: 1.5}"), "at most 1"),
    (
        _file("DatasetConfig: {messages_column: a, prompt_template: '{b}'}"),
        "DatasetConfig sets messages_column and prompt_template; keep messages_column for",
    ),
    (
        _file("DatasetConfig: {messages_column: a, response_template: '{b}'}"),
        "DatasetConfig sets messages_column and response_template",
    ),
    (
        _file("DatasetConfig: {context_column: a, prompt_template: '{b}'}"),
        "DatasetConfig sets context_column and prompt_template; keep one of them",
    ),
    (
        _file("DatasetConfig: {response_column: a, response_template: '{b}'}"),
        "DatasetConfig sets response_column and response_template; keep one of them",
    ),
    (
        _file("DatasetConfig: {prompt_template: '{a'}"),
        "DatasetConfig.prompt_template is '{a': expected '}' before end of string; write {{ and",
    ),
    (
        _file("DatasetConfig: {response_template: no column}"),
        "DatasetConfig.response_template is 'no column', which names no column",
    ),
    (_file("DatasetConfig: {prompt_template: 5}"), "DatasetConfig.prompt_template is 5; use a str"),
    (_file("DatasetConfig: {system_prompt: [a]}"), "DatasetConfig.system_prompt is ['a']; use a"),
    (
        _file("DatasetConfig: {messages_column: a, context_column: b}"),
        "keep messages_column for conversations",
    ),
    (
        _file("TrainingArguments: {eval_strategy: steps}, DatasetConfig: {train_test_split: 1}"),
        "which holds nothing back",
    ),
    (_file("ModelConfig: {torch_dtype: int8}"), "use one of: auto, bfloat16"),
    (_file("QuantizationConfig: {load_in_4bit: 'yes'}"), "use true or false"),
    (_file("QuantizationConfig: {load_in_4bit: true, load_in_8bit: true}"), "keep one of them"),
    (_file("QuantizationConfig: {load_in_8bit: true}"), "tuning.method is lora"),
    (
        "training_config:\n  LoraConfig:\n    r: 8\n    r: 16\n",
        "line 4 repeats the key 'r'; keep one of them",
    ),
    ("training_config: {}\ntraining_config: {}", "line 2 repeats the key 'training_config'"),
]
FAULTS = [
    *((_file(f"TrainingArguments: {{{text}}}"), expected) for text, expected in TRAINING_FAULTS),
    *((_file(f"LoraConfig: {{{text}}}"), expected) for text, expected in LORA_FAULTS),
    *OTHER_FAULTS,
]


@pytest.mark.parametrize(("text", "expected"), FAULTS, ids=lambda value: value[-44:])
def test_error_names_what_is_wrong(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "lora")
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 1500


def test_qlora_without_quantization_is_refused() -> None:
    with pytest.raises(ConfigError, match="sets neither load_in_4bit nor load_in_8bit"):
        parse_config("training_config: {}", "qlora")


def test_mapping_may_merge_others() -> None:
    text = """
training_config:
  TrainingArguments:
    <<: {max_steps: 3, seed: 2}
    seed: 1
"""
    assert parse_config(text, "lora").training == {"max_steps": 3, "seed": 1}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("ModelConfig: {load_in_4bit: true}", "load_in_4bit has no effect; set it in Quantization"),
        ("ModelConfig: {cache_dir: /x}", "ModelConfig.cache_dir has no effect"),
        ("DataCollator: {mlm: true}", "DataCollator.mlm has no effect on causal"),
        ("TrainingArguments: {report_to: wandb}", "report_to has no effect: the platform sets it"),
        ("TrainingArguments: {do_eval: true}", "TrainingArguments.do_eval has no effect here"),
        ("TrainingArguments: {num_train_epochs: 2, max_steps: 9}", "max_steps overrides it"),
        ("DatasetConfig: {shuffle_seed: 2, shuffle_dataset: false}", "shuffle_dataset is false"),
        ("QuantizationConfig: {bnb_4bit_quant_type: nf4}", "has no effect without load_in_4bit"),
    ],
)
def test_key_without_effect_gives_a_warning(sections: str, expected: str) -> None:
    (warning,) = parse_config(_file(sections), "lora").warnings
    assert expected in warning
