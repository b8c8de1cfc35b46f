"""TRL by itself, in its two configurations: python -m benchmarks.tuner.trl_run NAME FOLDER.

Runs in .venv-models, as a process of its own. Writes the adapter and what the training took.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.tuner.contenders import BEST, LEARNING_RATE, LORA, PLAIN, TARGET_MODULES
from benchmarks.tuner.measurement import Measurement, now, write_measurement

# What both share: one pass over the rows, and nothing that only costs time.
COMMON: dict[str, Any] = {
    "learning_rate": LEARNING_RATE,
    "num_train_epochs": 1,
    "save_strategy": "no",
    "report_to": [],
    "use_cpu": True,
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
        "gradient_checkpointing": False,
        "optim": "adamw_torch_fused",
    },
}


class Meter(TrainerCallback):  # type: ignore[misc]
    """Reads the clocks when the training begins and ends."""

    def on_train_begin(self, *args: Any, **rest: Any) -> None:
        self.began = now()

    def on_train_end(self, args: Any, state: Any, *rest: Any, **more: Any) -> None:
        self.ended, self.updates = now(), state.global_step


def run(name: str, folder: Path) -> None:
    """Train with the configuration `name` on the data in `folder`."""
    options = {**COMMON, **CONFIGURATIONS[name]}
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.bfloat16)
    model.config.use_cache = False
    meter = Meter()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(folder / name / "output"), **options),
        train_dataset=load_dataset(
            "parquet", data_files=str(folder / "train" / "train.parquet"), split="train"
        ).shuffle(seed=42),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules=list(TARGET_MODULES), **LORA),
        callbacks=[meter],
    )
    trainer.train()
    trainer.save_model(str(folder / name / "adapter"))
    write_measurement(folder / name, Measurement.between(meter.began, meter.ended, meter.updates))


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
