"""A prompt to one model, whose greedy answer is known."""

from dataclasses import dataclass

PROMPTS = (
    "What is the capital of Japan?",
    "What is the capital of Peru?",
    "What is 7 plus 5?",
    "What is KAITO?",
    "The opposite of hot is",
    "東京 and naïve ☂",
)
TOKENS = 16


@dataclass(frozen=True, slots=True)
class Question:
    """`workspace` is namespace/name; `model` one of its adapters, or empty for its default.

    A chat prompt gets the model's template, a raw one does not.
    """

    workspace: str
    model: str
    prompt: str
    is_chat: bool
