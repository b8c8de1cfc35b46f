"""What one sequence adds to the scores of single tokens: biases, less penalties for occurrences."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

_FIRST_SLOTS = 32


class ScoreChanges:
    """The changes of the tokens that have one; a step costs as much as there are such tokens.

    A token of the answer loses `presence` once and `frequency` per occurrence, as OpenAI defines
    the two penalties.
    """

    def __init__(
        self, biases: Mapping[int, float], *, frequency: float, presence: float, device: Any
    ) -> None:
        self._frequency = frequency
        self._presence = presence
        self._slots = {token: slot for slot, token in enumerate(biases)}
        self._biases = list(biases.values())
        self._occurrences = [0] * len(biases)
        size = max(_FIRST_SLOTS, len(biases))
        self._tokens = torch.zeros(size, dtype=torch.long, device=device)
        self._changes = torch.zeros(size, dtype=torch.float32, device=device)
        self._tokens[: len(biases)] = torch.tensor(list(biases), dtype=torch.long)
        self._changes[: len(biases)] = torch.tensor(self._biases)
        self._penalizes = bool(frequency or presence)
        self.counted = 0

    def count(self, tokens: Iterable[int]) -> None:
        """Count these tokens, which follow the `counted` first ones of the answer."""
        for token in tokens:
            self.counted += 1
            if self._penalizes:
                slot = self._slot(token)
                self._occurrences[slot] += 1
                # From the exact count: a sum of penalties would collect rounding errors.
                self._changes[slot] = (
                    self._biases[slot] - self._presence - self._frequency * self._occurrences[slot]
                )

    def add_to(self, scores: Tensor) -> None:
        """Change one sequence's scores (vocabulary,) in place."""
        size = len(self._slots)
        scores.index_add_(0, self._tokens[:size], self._changes[:size])

    def _slot(self, token: int) -> int:
        slot = self._slots.get(token)
        if slot is None:
            slot = self._slots[token] = len(self._slots)
            self._biases.append(0.0)
            self._occurrences.append(0)
            if slot == len(self._tokens):
                self._tokens = torch.cat((self._tokens, torch.zeros_like(self._tokens)))
                self._changes = torch.cat((self._changes, torch.zeros_like(self._changes)))
            self._tokens[slot] = token
        return slot
