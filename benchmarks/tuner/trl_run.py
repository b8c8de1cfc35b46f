"""TRL by itself, in its two configurations: python -m benchmarks.tuner.trl_run NAME FOLDER.

Runs in .venv-models, as a process of its own. Writes the adapter and what the training took.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.tuner.contenders import BEST, LORA, PLAIN, Subject, read_subject
from benchmarks.tuner.measurement import Measurement, now, peak_memory_bytes, write_measurement

# What both share: one pass over the rows, and nothing that only costs time.
COMMON: dict[str, Any] = {
    "num_train_epochs": 1,
    "save_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
    "seed": 42,
}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    # Upstream's template; the rest are TRL's defaults.
    PLAIN: {"per_device_train_batch_size": 1, "ddp_find_unused_parameters": False},
    # What TRL's guides to speed and memory advise where memory is no limit: packing with the
    # strategy that keeps examples whole, the loss on the answers, no recomputation.
    BEST: {
        "per_device_train_batch_size": 1,
        "packing": True,
        "packing_strategy": "bfd",
        "assistant_only_loss": True,
        "activation_checkpointing": False,
        "optim": "adamw_torch_fused",
    },
}
# Beyond that on a GPU: enough for it to do in a step.
BEST_ON_GPU: dict[str, Any] = {"per_device_train_batch_size": 8, "bf16": True}


class Meter(TrainerCallback):  # type: ignore[misc]
    """Reads the clocks when the training begins and ends."""

    def on_train_begin(self, *args: Any, **rest: Any) -> None:
        self.began = now()

    def on_train_end(self, args: Any, state: Any, *rest: Any, **more: Any) -> None:
        self.ended, self.updates = now(), state.global_step


def options_of(name: str, subject: Subject) -> dict[str, Any]:
    """The configuration `name` for the device, as TRL takes it."""
    options = {**COMMON, **CONFIGURATIONS[name], "learning_rate": subject.learning_rate}
    if subject.device == "cpu":
        return {**options, "use_cpu": True}
    return {**options, **BEST_ON_GPU} if name == BEST else options


def attention_of(name: str, subject: Subject) -> dict[str, Any]:
    """The fastest attention that is installed; transformers' own choice on a CPU."""
    flash = subject.device != "cpu" and name == BEST and find_spec("flash_attn") is not None
    return {"attn_implementation": "flash_attention_2"} if flash else {}


def run(name: str, folder: Path) -> None:
    """Train with the configuration `name` on the data in `folder`."""
    subject = read_subject(folder)
    options = options_of(name, subject)
    model = AutoModelForCausalLM.from_pretrained(
        folder / "model", dtype=torch.bfloat16, **attention_of(name, subject)
    )
    model.config.use_cache = False
    meter = Meter()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(folder / name / "output"), **options),
        train_dataset=load_dataset(
            "parquet", data_files=str(folder / "train" / "train.parquet"), split="train"
        ).shuffle(seed=42),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", target_modules=list(subject.target_modules), **LORA
        ),
        callbacks=[meter],
    )
    trainer.train()
    trainer.save_model(str(folder / name / "adapter"))
    write_measurement(
        folder / name,
        Measurement.between(meter.began, meter.ended, meter.updates, peak_memory_bytes()),
    )


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
