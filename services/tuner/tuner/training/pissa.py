"""PiSSA: an adapter that starts as the base model's largest singular values (arXiv 2404.02948).

They are taken out of the base model, so the adapter is worth nothing on the original. It is saved
as the difference to its start, which is plain LoRA of twice the rank. The start is kept in a file:
another device would compute another one, and a resumed training needs the same.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file

from tuner.results import ADAPTER_WEIGHTS

# The name that PEFT gives to the only adapter of a model.
ADAPTER = "default"


def initial_options(lora: Mapping[str, Any], start: Path) -> dict[str, Any]:
    """The options to build the adapter with: if its start is kept, none is computed."""
    return {**lora, "init_lora_weights": True} if start.is_dir() else dict(lora)


def keep_start(model: Any, start: Path) -> None:
    """Begin from the start that is kept in `start`, or keep the one that PEFT has computed."""
    if start.is_dir():
        _restore(model, start)
        return
    # From here on it is an adapter as any other. Otherwise, PEFT would compute a start again
    # wherever it loads it.
    model.peft_config[ADAPTER].init_lora_weights = True
    part = start.with_name(f"{start.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    part.replace(start)


def _restore(model: Any, start: Path) -> None:
    """Load the start, and take it out of the base model as PEFT does."""
    set_peft_model_state_dict(model, load_file(start / ADAPTER_WEIGHTS))
    for module in model.modules():
        if isinstance(module, LoraLayer) and ADAPTER in module.lora_A:
            weight = module.get_base_layer().weight
            a, b = module.lora_A[ADAPTER].weight.data, module.lora_B[ADAPTER].weight.data
            taken = module.scaling[ADAPTER] * (b.float() @ a.float())
            weight.data = (weight.data.to(torch.float32) - taken).to(weight.dtype)
