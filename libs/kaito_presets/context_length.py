"""The context length that an inference_config.yaml sets. Pure."""

from collections.abc import Mapping
from typing import Any

# vLLM accepts both spellings.
KEYS = ("max-model-len", "max_model_len")
_MAX_TOKENS = 10_000_000


def parse_length(value: object) -> int | None:
    """The number of tokens, 0 to let vLLM choose; None for anything else."""
    text = str(value)
    if text in ("auto", "-1"):
        return 0
    return int(text) if text.isdecimal() and 0 < int(text) <= _MAX_TOKENS else None


def find_problem(section: Mapping[str, Any]) -> str | None:
    """What is wrong with the lengths in the section `vllm`; continues a sentence."""
    for key in KEYS:
        if key in section and parse_length(section[key]) is None:
            return f"sets vllm.{key} to {section[key]!r}; use a positive number of tokens, or auto"
    return None


def context_length(section: Mapping[str, Any]) -> int:
    """The first length of a section without a problem; 0 where it sets none."""
    return next((parse_length(section[key]) or 0 for key in KEYS if key in section), 0)
