"""LoRA on a model: which modules it adapts, and with which options."""

from peft import LoraConfig
from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN_TO_PEFT

from kaito_training.sections import Options
from tuner.training.options import construct

# Architectures that PEFT has no defaults for. These are all linear layers, as the QLoRA paper
# recommends (arXiv 2305.14314).
BY_ARCHITECTURE = {"phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}


def build_lora_config(
    options: Options, target_modules: tuple[str, ...], model_type: str
) -> LoraConfig:
    """PEFT's configuration.

    The user's target_modules come first, then the platform's, then the architecture's.

    Raises:
        RunError: CONFIG_INVALID.
    """
    modules = options.get("target_modules") or choose_target_modules(target_modules, model_type)
    return construct(
        "LoraConfig",
        LoraConfig,
        {"task_type": "CAUSAL_LM", **options, "target_modules": modules},
    )


def choose_target_modules(
    target_modules: tuple[str, ...], model_type: str
) -> list[str] | str | None:
    """The modules to adapt if the user names none; None leaves the choice to PEFT."""
    if target_modules:
        return list(target_modules)
    if model_type in BY_ARCHITECTURE:
        return BY_ARCHITECTURE[model_type]
    return None if model_type in KNOWN_TO_PEFT else "all-linear"
