"""Saves the trained adapter as files."""

import json
import shutil
from pathlib import Path
from typing import Any

from tuner.adapter_check import find_adapter_fault
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.results import ADAPTER_CONFIG, ADAPTER_FILES, ADAPTER_WEIGHTS

REMEDY = (
    "check TrainingArguments.learning_rate and max_steps in training_config.yaml, and that answers "
    "are within the first max_length tokens of the examples"
)


def save_adapter(model: Any, target: Path, base_model: str, start: Path | None = None) -> None:
    """Write the adapter of `model` (a PeftModel) to the directory `target`, atomically.

    With `start`, write its difference to the adapter that is kept there, as plain LoRA.

    Its configuration names the preset: the path of the base model means nothing elsewhere.

    Raises:
        RunError: TRAINING_FAILED, the adapter has values that are not finite, or changes nothing.
    """
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    initial = {"path_initial_model_for_weight_conversion": str(start)} if start else {}
    model.save_pretrained(part, **initial)
    fault = find_adapter_fault(part / ADAPTER_WEIGHTS)
    if fault is not None:
        shutil.rmtree(part)
        raise RunError(Reason.TRAINING_FAILED, f"the trained adapter {fault}; {REMEDY}")
    config = json.loads((part / ADAPTER_CONFIG).read_bytes())
    config["base_model_name_or_path"] = base_model
    # PEFT holds them in a set, whose order changes from process to process.
    if isinstance(config.get("target_modules"), list):
        config["target_modules"].sort()
    (part / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True))
    for path in part.iterdir():
        if path.name not in ADAPTER_FILES:
            path.unlink()
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)
