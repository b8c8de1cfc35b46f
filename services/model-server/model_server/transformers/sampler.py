"""Picks the next token of every sequence in a batch, each by its own rules.

Randomness is one number in [0, 1) for each token, from a generator of the sequence's own, so that
a seed gives the same draws whatever else is in the batch.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from model_server.options import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one sequence goes on. `shapers` need the tokens so far; most sequences have none."""

    sampling: Sampling
    draws: random.Random
    shapers: Any


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence that gets a token in this step. `tokens` so far, where its rules need them."""

    rules: Rules
    tokens: Sequence[int]


def make_rules(
    sampling: Sampling, index: int, *, prompt_tokens: int, ends: Sequence[int], device: Any
) -> Rules:
    """The rules of choice number `index` of a job."""
    # Each choice draws numbers of its own.
    draws = random.Random() if sampling.seed is None else random.Random(f"{sampling.seed}/{index}")
    shapers = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        shapers.append(RepetitionPenaltyLogitsProcessor(penalty=sampling.repetition_penalty))
    if sampling.no_repeat_ngram_size:
        shapers.append(NoRepeatNGramLogitsProcessor(sampling.no_repeat_ngram_size))
    if sampling.min_new_tokens and ends:
        shapers.append(
            MinNewTokensLengthLogitsProcessor(
                prompt_tokens, sampling.min_new_tokens, list(ends), device=device
            )
        )
    if sampling.do_sample and sampling.typical_p < 1:
        # Typical sampling comes last and changes the probabilities, so all of it is done here.
        if sampling.temperature != 1:
            shapers.append(TemperatureLogitsWarper(sampling.temperature))
        if sampling.top_k:
            shapers.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            shapers.append(TopPLogitsWarper(sampling.top_p))
        shapers.append(TypicalLogitsWarper(mass=sampling.typical_p))
        sampling = replace(sampling, temperature=1.0, top_k=0, top_p=1.0)
    return Rules(sampling=sampling, draws=draws, shapers=shapers or None)


def choose(rows: Sequence[Row], scores: Tensor) -> Tensor:
    """The scores (rows, vocabulary) with the token to take as the highest of each row."""
    for at, row in enumerate(rows):
        if row.rules.shapers:
            seen = torch.tensor([row.tokens], device=scores.device)
            scores[at] = row.rules.shapers(seen, scores[at : at + 1])[0]
    drawn = [at for at, row in enumerate(rows) if row.rules.sampling.do_sample]
    if drawn:
        picks = _draw([rows[at].rules for at in drawn], scores[drawn])
        scores[drawn, picks] = torch.inf
    return scores


def _draw(rules: Sequence[Rules], scores: Tensor) -> Tensor:
    """One token for each row of scores (rows, vocabulary)."""

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=scores.device).unsqueeze(-1)

    vocabulary = scores.shape[-1]
    limits = [min(rule.sampling.top_k or vocabulary, vocabulary) for rule in rules]
    scores = scores / column([rule.sampling.temperature for rule in rules])
    best, tokens = scores.topk(max(limits), dim=-1)  # likeliest first
    rank = torch.arange(best.shape[-1], device=scores.device)
    best = best.masked_fill(rank >= column([float(limit) for limit in limits]), -torch.inf)
    mass = best.softmax(dim=-1)
    # A token stays as long as those before it have not filled top_p, so the first always does.
    before = mass.cumsum(dim=-1) - mass
    mass = mass.masked_fill(before >= column([rule.sampling.top_p for rule in rules]), 0)
    reach = mass.cumsum(dim=-1)
    target = reach[:, -1:] * column([rule.draws.random() for rule in rules])
    place = (reach <= target).sum(dim=-1, keepdim=True)
    # Rounding may put the target on the very end; the last token with any mass is meant.
    place = place.minimum((mass > 0).sum(dim=-1, keepdim=True) - 1)
    return tokens.gather(-1, place).squeeze(-1)
