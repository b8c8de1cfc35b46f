"""Prompts of random words. No two have a beginning in common."""

import random

SYLLABLES = [first + last for first in "bdfgklmnprstvz" for last in "aeiou"]


def words(count: int, source: random.Random) -> str:
    """Words of random syllables."""
    return " ".join(
        "".join(source.choices(SYLLABLES, k=source.randint(1, 4))) for _ in range(count)
    )


def make_prompts(count: int, seed: int) -> list[str]:
    """As many prompts of 32 words."""
    source = random.Random(seed)
    return [words(32, source) for _ in range(count)]
