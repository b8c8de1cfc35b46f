"""Writes LoRA adapters of PEFT's with random weights: a program for the models' environment.

python -m tests.e2e.make_adapters MODEL_FOLDER BASE_MODEL_NAME FOLDER...
"""

import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def main(model: str, name: str, *folders: str) -> None:
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        # Other than PEFT's default, it changes answers without a training.
        config = LoraConfig(
            r=8,
            lora_alpha=16,
            target_modules=["qkv_proj", "o_proj"],
            init_lora_weights=False,
            task_type="CAUSAL_LM",
        )
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
        adapted.peft_config["default"].base_model_name_or_path = name
        adapted.save_pretrained(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
