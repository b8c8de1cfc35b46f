"""Selects the next token of every sequence in a batch, each by its own parameters.

Randomness is one number in [0, 1) per token, from the sequence's own generator, so that a seed
gives the same tokens whatever else is in the batch.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from model_server.options import SamplingParams
from model_server.transformers.score_changes import ScoreChanges
from model_server.transformers.token_constraint import TokenConstraint


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSampling:
    """How to sample one sequence: rules that change its scores, in this order, and then `params`.

    `logits_processors` need all tokens so far, which is costly; most sequences have none. Of
    `params`, the rules of sampling that `warpers` already apply are neutral.
    """

    params: SamplingParams
    generator: random.Random
    constraint: TokenConstraint | None = None
    logits_processors: Any = None
    score_changes: ScoreChanges | None = None
    warpers: Any = None

    @property
    def has_rules(self) -> bool:
        """Whether anything changes the scores of this sequence alone."""
        return bool(self.constraint or self.logits_processors or self.score_changes or self.warpers)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A sequence that gets a token in this step.

    `tokens` are all so far, empty if no processor needs them; `answer` the new ones, empty if no
    constraint needs them.
    """

    sampling: SequenceSampling
    tokens: Sequence[int]
    answer: Sequence[int] = ()


def create_sampling(
    params: SamplingParams,
    index: int,
    *,
    prompt_tokens: int,
    end_tokens: Sequence[int],
    device: Any,
    constraint: TokenConstraint | None = None,
) -> SequenceSampling:
    """The sampling of choice number `index` of a request."""
    # The index makes the choices of one seed differ.
    seed = None if params.seed is None else f"{params.seed}/{index}"
    processors = LogitsProcessorList()
    if params.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(penalty=params.repetition_penalty))
    if params.no_repeat_ngram_size:
        processors.append(NoRepeatNGramLogitsProcessor(params.no_repeat_ngram_size))
    if params.min_new_tokens and end_tokens:
        processors.append(
            MinNewTokensLengthLogitsProcessor(
                prompt_tokens, params.min_new_tokens, list(end_tokens), device=device
            )
        )
    changes = None
    if params.logit_bias or params.frequency_penalty or params.presence_penalty:
        changes = ScoreChanges(
            params.logit_bias,
            frequency=params.frequency_penalty,
            presence=params.presence_penalty,
            device=device,
        )
    warpers = None
    if params.do_sample and params.typical_p < 1:
        warpers = _typical_warpers(params)
        params = replace(params, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)
    return SequenceSampling(
        params=params,
        generator=random.Random(seed),
        constraint=constraint,
        logits_processors=processors or None,
        score_changes=changes,
        warpers=warpers,
    )


def _typical_warpers(params: SamplingParams) -> Any:
    """Typical sampling, which comes last, after all rules whose probabilities it needs."""
    warpers = LogitsProcessorList()
    if params.temperature != 1:
        warpers.append(TemperatureLogitsWarper(params.temperature))
    if params.top_k:
        warpers.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        warpers.append(TopPLogitsWarper(params.top_p))
    if params.min_p:
        warpers.append(MinPLogitsWarper(params.min_p))
    warpers.append(TypicalLogitsWarper(mass=params.typical_p))
    return warpers


def select_tokens(rows: Sequence[BatchRow], scores: Tensor) -> tuple[Tensor, dict[int, str]]:
    """The scores (rows, vocabulary), changed so that each row's next token has the highest.

    The batching manager then takes the highest score of each row. Rows for which no token can be
    selected come back with the cause; their scores are zeros, and mean nothing.
    """
    # All arithmetic is in float32, which the options' bounds rely on.
    scores = scores.float()
    failures = {}
    for at, row in enumerate(rows):
        if row.sampling.has_rules:
            try:
                _apply_rules(row, scores[at : at + 1])
            except Exception as error:
                failures[at] = repr(error)
    # NaN is the highest score of its row, so that one number tells whether a row is usable. On an
    # accelerator this must be known before a token is looked up: an index out of bounds there ends
    # the process.
    highest = scores.amax(dim=-1).tolist()
    failures |= {at: _cause(score) for at, score in enumerate(highest) if not isfinite(score)}
    for at in failures:
        scores[at] = 0.0
    sampled = {
        at: row.sampling.generator.random()
        for at, row in enumerate(rows)
        if row.sampling.params.do_sample and at not in failures
    }
    for at, token in _sample_each(rows, scores, sampled, failures):
        scores[at, token] = torch.inf
    return scores, failures


def _apply_rules(row: BatchRow, scores: Tensor) -> None:
    """Change the scores (1, vocabulary) of one row in place."""
    sampling = row.sampling
    # First: all other rules choose among the tokens that the constraint allows. They could exclude
    # the end, which is all that remains of a complete answer.
    if sampling.constraint and sampling.constraint.apply(row.answer, scores[0]):
        return
    tokens = torch.tensor([row.tokens], dtype=torch.long, device=scores.device)
    if sampling.logits_processors:
        scores.copy_(sampling.logits_processors(tokens, scores))
    if sampling.score_changes:
        sampling.score_changes.add_to(scores[0])
    if sampling.warpers:
        scores.copy_(sampling.warpers(tokens, scores))


def _cause(highest: float) -> str:
    if highest == -torch.inf:
        return "the options exclude every token of the vocabulary"
    return f"the highest score of a token is {highest}, which is not a finite number"


def _sample_each(
    rows: Sequence[BatchRow],
    scores: Tensor,
    sampled: Mapping[int, float],
    failures: dict[int, str],
) -> list[tuple[int, int]]:
    """A random token for each row, from its random number. A row that fails joins `failures`."""
    if not sampled:
        return []
    indices = list(sampled)
    samplings = [rows[at].sampling for at in indices]
    try:
        tokens = _sample(samplings, list(sampled.values()), scores[indices]).tolist()
    except Exception as error:
        if len(indices) == 1:
            failures[indices[0]] = repr(error)
            return []
        # One by one: whatever failed ends its own sequence alone.
        return [
            pair
            for at, number in sampled.items()
            for pair in _sample_each(rows, scores, {at: number}, failures)
        ]
    return list(zip(indices, tokens, strict=True))


def _sample(samplings: Sequence[SequenceSampling], numbers: list[float], scores: Tensor) -> Tensor:
    """The token of each row of scores (rows, vocabulary) that its random number selects."""

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=scores.device).unsqueeze(-1)

    vocabulary = scores.shape[-1]
    params = [sampling.params for sampling in samplings]
    limits = [min(each.top_k or vocabulary, vocabulary) for each in params]
    scores = scores / column([each.temperature for each in params])
    # Sorted, likeliest first.
    best, tokens = scores.topk(max(limits), dim=-1)
    rank = torch.arange(best.shape[-1], device=scores.device)
    best = best.masked_fill(rank >= column([float(limit) for limit in limits]), -torch.inf)
    mass = best.softmax(dim=-1)
    # A token remains while those before it have less than top_p together; the first always does.
    before = mass.cumsum(dim=-1) - mass
    mass = mass.masked_fill(before >= column([each.top_p for each in params]), 0)
    if any(each.min_p for each in params):
        mass = mass.masked_fill(mass < column([each.min_p for each in params]) * mass[:, :1], 0)
    # Inverse transform sampling: the first token whose cumulative mass exceeds the random target.
    cumulative = mass.cumsum(dim=-1)
    target = cumulative[:, -1:] * column(numbers)
    position = (cumulative <= target).sum(dim=-1, keepdim=True)
    # Rounding may put the target at the very end: take the last token that has any mass.
    position = position.minimum((mass > 0).sum(dim=-1, keepdim=True) - 1)
    return tokens.gather(-1, position).squeeze(-1)
