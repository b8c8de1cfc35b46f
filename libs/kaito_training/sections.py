"""The six sections of training_config.yaml as values. Knows no file and no library.

The options of LoraConfig and TrainingArguments belong to PEFT and TRL (`library_options`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Options = Mapping[str, Any]
# The tuning.method that learns from pairs of answers, of which one is preferred.
DPO = "dpo"
Dtype = Literal["auto", "bfloat16", "float16", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """How the base model is loaded. The platform decides where it is loaded from."""

    torch_dtype: Dtype | None = None
    device_map: str | None = "auto"
    trust_remote_code: bool = False
    chat_template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationConfig:
    """How the weights of the base model are quantized (bitsandbytes), with its own defaults."""

    quant_method: Literal["bitsandbytes"] = "bitsandbytes"
    load_in_8bit: bool = False
    load_in_4bit: bool = False
    llm_int8_threshold: float = 6.0
    llm_int8_skip_modules: list[str] | None = None
    llm_int8_enable_fp32_cpu_offload: bool = False
    llm_int8_has_fp16_weight: bool = False
    bnb_4bit_compute_dtype: Literal["bfloat16", "float16", "float32"] = "float32"
    bnb_4bit_quant_type: Literal["fp4", "nf4"] = "fp4"
    bnb_4bit_use_double_quant: bool = False

    @property
    def active(self) -> bool:
        """True if the weights are quantized at all."""
        return self.load_in_4bit or self.load_in_8bit


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCollator:
    """How examples become batches.

    `mlm` is accepted and has no effect, as upstream: causal language models have no mask token.
    """

    mlm: bool = True
    mlm_probability: float = 0.15
    pad_to_multiple_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """Which files and columns training uses.

    `train_test_split` is the fraction used for training; 1 holds nothing back for evaluation.
    `max_lost_rows` is the largest fraction of the rows that may be dropped or cut.
    The templates are texts with columns in braces (`row_template`). `system_prompt` is for rows
    without one of their own.
    `dataset_config` and `dataset_train_split` choose where a dataset has several configurations or
    several splits to train on; the names are those of TRL's ScriptArguments. `weights` says how
    often an epoch uses the rows of a file, by patterns of its name or its address; 1 by default.
    """

    dataset_path: str | None = None
    dataset_extension: str | None = None
    dataset_config: str | None = None
    dataset_train_split: str | None = None
    weights: dict[str, float] | None = None
    shuffle_dataset: bool = True
    shuffle_seed: int = 42
    context_column: str | None = None
    response_column: str = "text"
    messages_column: str | None = None
    prompt_template: str | None = None
    response_template: str | None = None
    system_prompt: str | None = None
    train_test_split: float = 0.8
    max_lost_rows: float = 0.01
    preferences: bool = field(default=False, metadata={"key": False})
    """Rows are pairs of answers, of which one is preferred. No key: the method decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """A complete, validated training_config.yaml."""

    model: ModelConfig = field(default_factory=ModelConfig)
    quantization: QuantizationConfig = field(default_factory=QuantizationConfig)
    lora: Options = field(default_factory=dict)
    training: Options = field(default_factory=dict)
    collator: DataCollator = field(default_factory=DataCollator)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)

    @property
    def pissa(self) -> bool:
        """The adapter starts from the base model's largest singular values."""
        return str(self.lora.get("init_lora_weights")).startswith("pissa")

    warnings: tuple[str, ...] = ()
    """Keys that have no effect, one sentence each."""
    digest: str = ""
    """SHA-256 of the text that it was read from: "sha256:<hex>"."""
