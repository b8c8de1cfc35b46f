"""The ranges of numbers, and the strings that make sense here though the libraries take others.

The libraries check few of them, and late: when the model is loaded already, or never.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Bounds of a number: `above` and `below` are excluded, the others included."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    also: float | None = None
    """One more value, out of the bounds, that has a meaning of its own."""

    def contains(self, value: float) -> bool:
        return value == self.also or (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        limits = {
            "of at least": self.at_least,
            "above": self.above,
            "at most": self.at_most,
            "below": self.below,
        }
        text = " and ".join(
            f"{word} {limit:.10g}" for word, limit in limits.items() if limit is not None
        )
        return text if self.also is None else f"{text}, or {self.also:g}"


_POSITIVE = Range(at_least=1)
_ABOVE_ZERO = Range(above=0)
_NOT_NEGATIVE = Range(at_least=0)
_SHARE = Range(at_least=0, below=1)
# What numpy's generators take.
_SEED = Range(at_least=0, at_most=2**32 - 1)

RANGES: Mapping[str, Range] = {
    "QuantizationConfig.llm_int8_threshold": _NOT_NEGATIVE,
    # PEFT itself takes any size; a rank above the model's width only costs memory.
    "LoraConfig.r": Range(at_least=1, at_most=4096),
    "LoraConfig.lora_alpha": _POSITIVE,
    "LoraConfig.lora_dropout": _SHARE,
    "LoraConfig.qalora_group_size": _POSITIVE,
    "TrainingArguments.per_device_train_batch_size": _POSITIVE,
    "TrainingArguments.per_device_eval_batch_size": _POSITIVE,
    "TrainingArguments.gradient_accumulation_steps": _POSITIVE,
    "TrainingArguments.num_train_epochs": _ABOVE_ZERO,
    "TrainingArguments.max_steps": Range(at_least=1, also=-1),
    # Optimizers that find their own rate, such as Prodigy, take 1; more overflows at once.
    "TrainingArguments.learning_rate": Range(above=0, at_most=1),
    "TrainingArguments.warmup_steps": _NOT_NEGATIVE,
    "TrainingArguments.weight_decay": _NOT_NEGATIVE,
    "TrainingArguments.adam_beta1": _SHARE,
    "TrainingArguments.adam_beta2": _SHARE,
    "TrainingArguments.adam_epsilon": _ABOVE_ZERO,
    # 0 turns the clipping off.
    "TrainingArguments.max_grad_norm": _NOT_NEGATIVE,
    "TrainingArguments.label_smoothing_factor": _SHARE,
    "TrainingArguments.neftune_noise_alpha": _NOT_NEGATIVE,
    "TrainingArguments.torch_empty_cache_steps": _POSITIVE,
    # Below 1 they are shares of all steps.
    "TrainingArguments.logging_steps": _ABOVE_ZERO,
    "TrainingArguments.eval_steps": _ABOVE_ZERO,
    "TrainingArguments.save_steps": _ABOVE_ZERO,
    "TrainingArguments.eval_delay": _NOT_NEGATIVE,
    "TrainingArguments.eval_accumulation_steps": _POSITIVE,
    # Resuming needs the one before the newest, which a kill may leave incomplete.
    "TrainingArguments.save_total_limit": _POSITIVE,
    "TrainingArguments.seed": _SEED,
    "TrainingArguments.data_seed": _SEED,
    "TrainingArguments.dataloader_num_workers": Range(at_least=0, at_most=256),
    "TrainingArguments.dataloader_prefetch_factor": _POSITIVE,
    "TrainingArguments.ddp_bucket_cap_mb": _POSITIVE,
    "TrainingArguments.ddp_timeout": _POSITIVE,
    "TrainingArguments.dataset_num_proc": _POSITIVE,
    # A prompt of one token and its answer.
    "TrainingArguments.max_length": Range(at_least=2),
    "TrainingArguments.pad_to_multiple_of": _POSITIVE,
    "TrainingArguments.router_aux_loss_coef": _NOT_NEGATIVE,
    "TrainingArguments.beta": _ABOVE_ZERO,
    # The share of the pairs whose labels are wrong.
    "TrainingArguments.label_smoothing": Range(at_least=0, below=0.5),
    "TrainingArguments.ld_alpha": Range(at_least=0, at_most=1),
    "TrainingArguments.discopop_tau": _ABOVE_ZERO,
    "DataCollator.mlm_probability": Range(at_least=0, at_most=1),
    "DataCollator.pad_to_multiple_of": _POSITIVE,
    "DatasetConfig.shuffle_seed": _SEED,
    # 1 trains on everything.
    "DatasetConfig.train_test_split": Range(above=0, at_most=1),
    # 1 accepts any loss.
    "DatasetConfig.max_lost_rows": Range(at_least=0, at_most=1),
}

# Values that look as if they worked, and why they do not.
REFUSED: Mapping[str, Mapping[Any, str]] = {
    "LoraConfig.init_lora_weights": {
        "loftq": "LoftQ's adapter fits only the base model that it has quantized, and the adapter "
        "is served on the original one; use pissa with method lora, or true with method qlora",
    },
    # Of method dpo.
    "TrainingArguments.sync_ref_model": {
        True: "the reference is the model without the adapter, which stays as it is; remove it",
    },
    "TrainingArguments.precompute_ref_log_probs": {
        True: "the reference is computed with each batch, from the same weights; remove it",
    },
}

# Types as in `option_types`, where fewer values make sense here than in the libraries.
NARROWED: Mapping[str, str] = {
    # The tuner makes LoRA adapters of causal language models, and nothing else.
    "LoraConfig.task_type": '"CAUSAL_LM"',
    "LoraConfig.peft_type": '"LORA"',
    # The library only says that they are mappings.
    "LoraConfig.rank_pattern": "dict[int] | null",
    "LoraConfig.alpha_pattern": "dict[int] | null",
    # It freezes the adapter, too.
    "LoraConfig.inference_mode": "false",
    "TrainingArguments.f_divergence_type": (
        '"reverse_kl" | "forward_kl" | "js_divergence" | "alpha_divergence"'
    ),
    # PiSSA changes the base model, and is converted when it is saved. The others change it, too, or
    # need a pass over the data that the tuner does not make.
    "LoraConfig.init_lora_weights": (
        'bool | "gaussian" | "orthogonal" | "pissa" | "pissa_niter_4" | "pissa_niter_16" | '
        '"pissa_niter_64"'
    ),
}
