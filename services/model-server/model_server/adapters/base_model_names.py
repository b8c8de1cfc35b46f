"""Compares the name of a base model that an adapter declares with that of the served one. Pure."""

import re

# Repackaged weights of one model: Llama-2-7b-hf, Phi-3-mini-4k-instruct-bnb-4bit.
_PACKAGING = re.compile(r"(-(hf|unsloth|bnb|4bit|8bit|gptq|awq|fp8|bf16|fp16))+$")


def is_another_model(declared: str, served: str) -> bool:
    """Whether an adapter's configuration names another base model than the one that is served.

    A model trained further has the shapes of its base, so shapes alone do not tell. A folder's path
    says where a trainer kept the model, not which one it was.
    """
    if not declared or declared.startswith(("/", ".", "~")) or "\\" in declared:
        return False
    return _model_key(declared) != _model_key(served)


def _model_key(name: str) -> str:
    """A model's name without organization, case and packaging."""
    return _PACKAGING.sub("", re.sub(r"[^a-z0-9]+", "-", name.rstrip("/").split("/")[-1].lower()))
