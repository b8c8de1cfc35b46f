"""The choice of the next token, row by row."""

import random
from typing import Any

import pytest
import torch

from model_server.options import Sampling
from model_server.transformers.sampler import Row, choose, make_rules

SCORES = torch.tensor([0.5, 3.0, 1.0, 2.0, -1.0])


def row(tokens: tuple[int, ...] = (), **options: Any) -> Row:
    sampling = Sampling(max_new_tokens=8, **options)
    rules = make_rules(sampling, 0, prompt_tokens=0, ends=(1,), device="cpu")
    return Row(rules, tokens)


def picked(rows: list[Row]) -> list[int]:
    scores = choose(rows, SCORES.repeat(len(rows), 1))
    return [int(token) for token in scores.argmax(dim=-1)]


def test_rows_go_by_their_own_rules() -> None:
    rows = [
        row(),
        row(tokens=(1, 1), repetition_penalty=5.0),
        row(tokens=(0,), min_new_tokens=3),
        row(do_sample=True, top_k=1),
        row(do_sample=True, top_p=0.01),
        row(tokens=(3, 1, 3), no_repeat_ngram_size=2),
    ]
    assert picked(rows) == [1, 3, 3, 1, 1, 3]


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
def test_drawing_stays_within_its_limits(options: dict[str, Any], allowed: set[int]) -> None:
    rows = [row(do_sample=True, seed=seed, **options) for seed in range(300)]
    assert set(picked(rows)) == allowed


def test_drawing_follows_the_probabilities() -> None:
    rows = [row(do_sample=True, seed=seed, temperature=1.5) for seed in range(4000)]
    found = torch.bincount(torch.tensor(picked(rows)), minlength=5) / 4000
    assert torch.allclose(found, (SCORES / 1.5).softmax(dim=-1), atol=0.03)


def test_the_last_number_before_one_still_draws_a_token() -> None:
    found = row(do_sample=True, top_p=0.8)

    class Highest(random.Random):
        def random(self) -> float:
            return 1 - 2**-53

    object.__setattr__(found.rules, "draws", Highest())
    assert picked([found]) == [3]


def test_seed_and_choice_decide_the_draws() -> None:
    sampling = Sampling(max_new_tokens=8, seed=4, do_sample=True)

    def draws(index: int) -> float:
        rules = make_rules(sampling, index, prompt_tokens=0, ends=(), device="cpu")
        return rules.draws.random()

    assert draws(0) == draws(0) != draws(1)
