"""Which adapters the model-server does not serve. Its readers check the files; this, the plan."""

from collections.abc import Iterator, Mapping
from typing import Any

# Variants of LoRA whose change is not B·A times a number, or is to more than linear layers.
_UNSERVED = (
    "use_dora",
    "modules_to_save",
    "layer_replication",
    "lora_bias",
    "trainable_token_indices",
    "target_parameters",
    "use_qalora",
    "alora_invocation_tokens",
    "velora_config",
    "fan_in_fan_out",
)
# Embeddings and the output layer, as the architectures name them.
_EMBEDDINGS = frozenset(
    "embed_tokens lm_head wte wpe embed_in embed_out word_embeddings tok_embeddings".split()
)


def find_unserved(lora: Mapping[str, Any]) -> str | None:
    """What in the options of LoraConfig makes an adapter that is not served; None if nothing."""
    return next(_unserved(lora), None)


def _unserved(lora: Mapping[str, Any]) -> Iterator[str]:
    for key in _UNSERVED:
        if lora.get(key):
            yield f"LoraConfig.{key} is {lora[key]!r}; remove it"
    if lora.get("bias", "none") != "none":
        yield f"LoraConfig.bias is {lora['bias']!r}; use none"
    targets = lora.get("target_modules") or []
    for target in [targets] if isinstance(targets, str) else targets:
        if target.rpartition(".")[2] in _EMBEDDINGS:
            yield f"LoraConfig.target_modules names {target!r}; remove it"
