"""The examples that have one answer each, as TRL makes them: what training must be equal to."""

from collections import Counter
from typing import Any

from trl.trainer.sft_trainer import common_prefix_length

Message = dict[str, Any]
# The tokens before a token that is learned, and that token.
Learned = Counter[tuple[tuple[int, ...], int]]


def learned_by_expansion(tokenizer: Any, messages: list[Message], tools: Any = None) -> Learned:
    """What the model learns if each answer is an example with all messages before it."""
    learned: Learned = Counter()
    for index, message in enumerate(messages):
        if index > 0 and message["role"] == "assistant":
            prompt = tokenizer.apply_chat_template(
                messages[:index], tools=tools, add_generation_prompt=True
            )["input_ids"]
            ids = tokenizer.apply_chat_template(messages[: index + 1], tools=tools)["input_ids"]
            for position in range(common_prefix_length(prompt, ids), len(ids)):
                learned[tuple(ids[:position]), ids[position]] += 1
    return learned


def learned_by(examples: Any) -> Learned:
    """What the model learns from `examples`."""
    learned: Learned = Counter()
    for example in examples:
        for position, label in enumerate(example.labels):
            if label != -100:
                assert label == example.input_ids[position]
                learned[tuple(example.input_ids[:position]), label] += 1
    return learned
