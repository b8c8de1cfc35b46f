"""Biases and penalties of single tokens."""

import random
from typing import Any

import pytest
import torch

from model_server.options import SamplingParams
from model_server.transformers.sampler import BatchRow, create_sampling, select_tokens
from model_server.transformers.score_changes import ScoreChanges

VOCABULARY = 500


def expected(
    scores: torch.Tensor,
    answer: list[int],
    biases: dict[int, float],
    frequency: float,
    presence: float,
) -> torch.Tensor:
    """OpenAI's formula: mu[j] - c[j] * frequency - (c[j] > 0) * presence."""
    counts = torch.bincount(torch.tensor(answer, dtype=torch.long), minlength=VOCABULARY)
    changed = scores - counts * frequency - (counts > 0) * presence
    for token, bias in biases.items():
        changed[token] += bias
    return changed


@pytest.mark.parametrize("biases", [{}, {3: 5.0, 499: -100.0}], ids=["penalties", "biases"])
@pytest.mark.parametrize(("frequency", "presence"), [(0.7, 0.0), (0.0, -1.5), (2.0, 1.1), (0, 0)])
def test_changes_follow_the_formula_at_every_step(
    biases: dict[int, float], frequency: float, presence: float
) -> None:
    source = random.Random(1)
    changes = ScoreChanges(biases, frequency=frequency, presence=presence, device="cpu")
    answer: list[int] = []
    # More tokens than there is room for at first, some of them often.
    for step in range(120):
        new = [int(source.triangular(0, VOCABULARY - 1, 3)) for _ in range(step % 3)]
        answer += new
        changes.count(new)
        scores = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(step))
        before = scores.clone()
        changes.add_to(scores)
        assert torch.allclose(scores, expected(before, answer, biases, frequency, presence))
    assert changes.counted == len(answer)


def test_penalties_add_no_rounding_errors() -> None:
    changes = ScoreChanges({}, frequency=0.1, presence=0.0, device="cpu")
    changes.count([7] * 10_000)
    scores = torch.zeros(VOCABULARY)
    changes.add_to(scores)
    assert float(scores[7]) == -1000.0


@pytest.mark.parametrize(
    "options",
    [{"do_sample": True, "typical_p": 0.5}, {"do_sample": True, "top_k": 1}, {}],
    ids=["typical", "sampled", "greedy"],
)
def test_bias_comes_before_the_selection(options: dict[str, Any]) -> None:
    params = SamplingParams(max_new_tokens=8, logit_bias={2: 100.0}, seed=1, **options)
    sampling = create_sampling(params, 0, prompt_tokens=0, end_tokens=(), device="cpu")
    scores, failures = select_tokens(
        [BatchRow(sampling, ())], torch.tensor([[0.5, 3.0, 1.0, 2.0, -1.0]])
    )
    assert not failures
    assert int(scores.argmax()) == 2
