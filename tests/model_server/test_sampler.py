"""Selecting the next token of each row of a batch."""

import random
from typing import Any

import pytest
import torch

from model_server.options import SamplingParams
from model_server.transformers.sampler import BatchRow, create_sampling, select_tokens

SCORES = torch.tensor([0.5, 3.0, 1.0, 2.0, -1.0])


def row(tokens: tuple[int, ...] = (), **options: Any) -> BatchRow:
    params = SamplingParams(max_new_tokens=8, **options)
    sampling = create_sampling(params, 0, prompt_tokens=0, end_tokens=(1,), device="cpu")
    return BatchRow(sampling, tokens)


def selected(rows: list[BatchRow]) -> list[int]:
    scores = select_tokens(rows, SCORES.repeat(len(rows), 1))
    return [int(token) for token in scores.argmax(dim=-1)]


def test_each_row_uses_its_own_parameters() -> None:
    rows = [
        row(),
        row(tokens=(1, 1), repetition_penalty=5.0),
        row(tokens=(0,), min_new_tokens=3),
        row(do_sample=True, top_k=1),
        row(do_sample=True, top_p=0.01),
        row(tokens=(3, 1, 3), no_repeat_ngram_size=2),
    ]
    assert selected(rows) == [1, 3, 3, 1, 1, 3]


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"top_k": 2}, {1, 3}),
        ({"top_p": 0.8}, {1, 3}),
        ({"top_k": 3, "top_p": 0.99}, {1, 2, 3}),
        ({"temperature": 100.0}, {0, 1, 2, 3, 4}),
        ({"temperature": 0.01}, {1}),
        ({"typical_p": 0.2}, {3}),
        ({"top_k": 99}, {0, 1, 2, 3, 4}),
    ],
    ids="top_k top_p both hot cold typical wide".split(),
)
def test_sampling_stays_within_its_limits(options: dict[str, Any], allowed: set[int]) -> None:
    rows = [row(do_sample=True, seed=seed, **options) for seed in range(300)]
    assert set(selected(rows)) == allowed


def test_sampling_follows_the_probabilities() -> None:
    rows = [row(do_sample=True, seed=seed, temperature=1.5) for seed in range(4000)]
    shares = torch.bincount(torch.tensor(selected(rows)), minlength=5) / 4000
    assert torch.allclose(shares, (SCORES / 1.5).softmax(dim=-1), atol=0.03)


def test_largest_random_number_still_selects_a_token() -> None:
    batch_row = row(do_sample=True, top_p=0.8)

    class Highest(random.Random):
        def random(self) -> float:
            # The largest float below 1 that random() can return.
            return 1 - 2**-53

    object.__setattr__(batch_row.sampling, "generator", Highest())
    assert selected([batch_row]) == [3]


def test_seed_and_choice_decide_the_random_numbers() -> None:
    params = SamplingParams(max_new_tokens=8, seed=4, do_sample=True)

    def first_number(index: int) -> float:
        sampling = create_sampling(params, index, prompt_tokens=0, end_tokens=(), device="cpu")
        return sampling.generator.random()

    assert first_number(0) == first_number(0) != first_number(1)
