"""Bad training configurations. The webhook refuses them, too, with the same rules."""

from tests.tuner.bad_inputs.bad_input import DataInput
from tuner.reasons import Reason


def _config(title: str, config: str, *says: str, method: str = "lora") -> DataInput:
    return DataInput(
        title=title,
        reason=Reason.CONFIG_INVALID,
        says=says,
        config=config,
        environ={"KAITO_METHOD": method},
    )


BAD_CONFIGURATIONS = (
    _config("not YAML", "LoraConfig: {r: 8", "line"),
    _config("a section that does not exist", "LoraConfg: {r: 8}", "LoraConfg", "LoraConfig"),
    _config("a key that does not exist", "LoraConfig: {rank: 8}", "LoraConfig", "rank"),
    _config("a key twice", "LoraConfig:\n  r: 8\n  r: 16", "r"),
    _config("a rank in words", 'LoraConfig: {r: "eight"}', "LoraConfig.r", "eight"),
    _config("a rank of zero", "LoraConfig: {r: 0}", "LoraConfig.r", "0", "at least 1"),
    _config(
        "no epochs",
        "TrainingArguments: {num_train_epochs: 0}",
        "TrainingArguments.num_train_epochs", "above 0",
    ),
    _config(
        "a learning rate in words",
        "TrainingArguments: {learning_rate: fast}",
        "TrainingArguments.learning_rate", "fast",
    ),
    _config(
        "a negative learning rate",
        "TrainingArguments: {learning_rate: -1}",
        "TrainingArguments.learning_rate", "-1", "above 0",
    ),
    _config(
        "a learning rate that overflows",
        "TrainingArguments: {learning_rate: 1e30}",
        "TrainingArguments.learning_rate", "1e+30", "at most 1",
    ),
    _config(
        "a batch size in words",
        "TrainingArguments: {per_device_train_batch_size: two}",
        "TrainingArguments.per_device_train_batch_size", "two",
    ),
    _config(
        "a flag in words",
        'TrainingArguments: {gradient_checkpointing: "maybe"}',
        "TrainingArguments.gradient_checkpointing", "maybe",
    ),
    _config(
        "another task", "LoraConfig: {task_type: SEQ_CLS}", "LoraConfig.task_type", "CAUSAL_LM"
    ),
    _config(
        "quantization with lora",
        "QuantizationConfig: {load_in_4bit: true}",
        "load_in_4bit", "qlora",
    ),
    _config("qlora without quantization", "LoraConfig: {r: 8}", "qlora", method="qlora"),
    _config(
        "a split of nothing",
        "DatasetConfig: {train_test_split: 0}",
        "DatasetConfig.train_test_split", "above 0",
    ),
    _config(
        "results outside of the volume",
        "TrainingArguments: {output_dir: /root}",
        "output_dir", "/root", "/mnt",
    ),
)  # fmt: skip
