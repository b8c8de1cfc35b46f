"""LoRA on a model: which modules, with which options; and the adapter as files."""

import json
import shutil
from pathlib import Path
from typing import Any

from peft import LoraConfig
from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN_TO_PEFT

from tuner.config.sections import Options
from tuner.results import ADAPTER_CONFIG, ADAPTER_FILES
from tuner.training.options import build, check_options

# Architectures that peft has no defaults for; these hold all linear layers.
BY_ARCHITECTURE = {"phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}


def lora_config(options: Options, target_modules: tuple[str, ...], model_type: str) -> LoraConfig:
    """peft's config. The user's target_modules come first, then the platform's, then the
    architecture's.

    Errors: RunError(CONFIG_INVALID).
    """
    checked = check_options("LoraConfig", options, LoraConfig)
    if not checked.get("target_modules"):
        checked["target_modules"] = choose_modules(target_modules, model_type)
    return build("LoraConfig", LoraConfig, {"task_type": "CAUSAL_LM", **checked})


def choose_modules(target_modules: tuple[str, ...], model_type: str) -> list[str] | str | None:
    """The modules to adapt when the user names none; None leaves the choice to peft."""
    if target_modules:
        return list(target_modules)
    if model_type in BY_ARCHITECTURE:
        return BY_ARCHITECTURE[model_type]
    return None if model_type in KNOWN_TO_PEFT else "all-linear"


def save_adapter(model: Any, target: Path, base_model: str) -> None:
    """Writes the adapter of `model` (a PeftModel) to the directory `target`, whole or not at
    all. Its config names the preset: the path of the base model means nothing elsewhere."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    config = json.loads((part / ADAPTER_CONFIG).read_bytes())
    config["base_model_name_or_path"] = base_model
    if isinstance(config.get("target_modules"), list):
        config["target_modules"].sort()
    (part / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True))
    for path in part.iterdir():
        if path.name not in ADAPTER_FILES:
            path.unlink()
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)
