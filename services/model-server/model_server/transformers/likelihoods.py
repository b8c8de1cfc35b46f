"""Log probabilities of tokens, in float32, from the scores that the model gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Rows whose probabilities are computed at once: 128 rows of 128,256 tokens take 64 MiB.
_ROWS = 128


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token, its log probability, and those of the likeliest tokens in its place."""

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


def score_tokens(scores: Tensor, tokens: Sequence[int], tops: Sequence[int]) -> list[ScoredToken]:
    """Score one token per row of scores (rows, vocabulary), with that many likeliest ones each."""
    scored = []
    for first in range(0, len(tokens), _ROWS):
        rows = slice(first, first + _ROWS)
        scored += _score_rows(scores[rows], tokens[rows], tops[rows])
    return scored


def _score_rows(scores: Tensor, tokens: Sequence[int], tops: Sequence[int]) -> list[ScoredToken]:
    logprobs = scores.float().log_softmax(dim=-1)
    own = logprobs.gather(-1, torch.tensor(tokens, device=scores.device).unsqueeze(-1))
    width = min(max(tops), scores.shape[-1])
    best, best_ids = logprobs.topk(width, dim=-1)
    return [
        ScoredToken(token, logprob, tuple(zip(ids[:top], values[:top], strict=True)))
        for token, (logprob,), ids, values, top in zip(
            tokens, own.tolist(), best_ids.tolist(), best.tolist(), tops, strict=True
        )
    ]
