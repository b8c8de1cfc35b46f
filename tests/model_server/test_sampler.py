"""Selecting the next token of each row of a batch."""

import random
from typing import Any

import pytest
import torch

from kaito.inference.v1 import inference_pb2 as pb
from model_server.contract.request_messages import parse_options
from model_server.options import GenerationOptions, SamplingParams, resolve
from model_server.transformers.sampler import BatchRow, create_sampling, select_tokens

SCORES = torch.tensor([0.5, 3.0, 1.0, 2.0, -1.0])


def row(tokens: tuple[int, ...] = (), **options: Any) -> BatchRow:
    params = SamplingParams(max_new_tokens=8, **options)
    sampling = create_sampling(params, 0, prompt_tokens=0, end_tokens=(1,), device="cpu")
    return BatchRow(sampling, tokens)


def selected(rows: list[BatchRow]) -> list[int]:
    scores, failures = select_tokens(rows, SCORES.repeat(len(rows), 1))
    assert not failures
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


@pytest.mark.parametrize(
    ("min_p", "allowed"), [(0.0, {0, 1, 2, 3}), (0.2, {1, 3}), (0.5, {1}), (1.0, {1})]
)
@pytest.mark.parametrize("more", [{}, {"typical_p": 0.999999}], ids=["alone", "typical"])
def test_min_p_is_a_share_of_the_likeliest(
    min_p: float, allowed: set[int], more: dict[str, Any]
) -> None:
    rows = [row(do_sample=True, seed=seed, min_p=min_p, **more) for seed in range(300)]
    assert set(selected(rows)) - {4} == allowed
    assert min_p == 0.0 or 4 not in selected(rows)


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("score", [1.0, 60000.0])
@pytest.mark.parametrize(
    "extremes",
    [
        {"temperature": 1e-6, "repetition_penalty": 0.01},
        {"temperature": 1e-6, "repetition_penalty": 100.0},
        {"temperature": 1e-6, "repetition_penalty": 0.01, "typical_p": 1e-6},
        {"temperature": 100.0, "repetition_penalty": 100.0, "top_p": 1e-6, "top_k": 2**32 - 1},
        {"temperature": 100.0, "typical_p": 1e-6, "no_repeat_ngram_size": 2**32 - 1},
    ],
    ids="cold-low cold-high cold-typical hot-narrow hot-typical".split(),
)
def test_every_option_within_its_bounds_selects_a_token(
    extremes: dict[str, Any], score: float, dtype: torch.dtype
) -> None:
    # As the contract carries them.
    options = pb.GenerationOptions(do_sample=True, **extremes)
    requested = parse_options(options)
    params = resolve(requested, GenerationOptions(), prompt_tokens=3, context_tokens=2048)
    sampling = create_sampling(params, 0, prompt_tokens=3, end_tokens=(1,), device="cpu")
    scores = torch.tensor([[-score, score, 0.0, score / 2, -score]], dtype=dtype)
    selected_scores, failures = select_tokens([BatchRow(sampling, (0, 1, 3))], scores)
    assert not failures
    assert int((selected_scores == torch.inf).sum()) == 1


def test_row_without_a_usable_score_fails_alone() -> None:
    rows = [
        row(do_sample=True, seed=1),
        row(do_sample=True),
        row(),
        row(do_sample=True),
        row(),
        # More n-grams than a vocabulary of five leaves free.
        row(tokens=(0, 1, 2, 3, 4), no_repeat_ngram_size=1),
    ]
    scores = SCORES.repeat(len(rows), 1)
    alone = int(select_tokens([row(do_sample=True, seed=1)], SCORES.repeat(1, 1))[0].argmax())
    scores[1, 2] = torch.nan
    scores[2] = torch.nan
    scores[3, 0] = torch.inf
    changed, failures = select_tokens(rows, scores)
    assert sorted(failures) == [1, 2, 3, 5]
    assert "nan" in failures[1]
    assert "exclude every token" in failures[5]
    assert changed.argmax(dim=-1)[[0, 4]].tolist() == [alone, 1]


def test_error_in_one_row_does_not_change_the_others() -> None:
    def explode(*_: object) -> torch.Tensor:
        raise MemoryError("no memory for this row")

    rows = [row(do_sample=True, seed=seed) for seed in range(4)]
    expected = selected([row(do_sample=True, seed=seed) for seed in range(4)])
    object.__setattr__(rows[2].sampling, "logits_processors", explode)
    scores, failures = select_tokens(rows, SCORES.repeat(4, 1))
    assert failures == {2: "MemoryError('no memory for this row')"}
    tokens = scores.argmax(dim=-1).tolist()
    assert [*tokens[:2], tokens[3]] == [*expected[:2], expected[3]]
    # Sampling itself fails for one row: here, for a top_p that no request can have.
    rows = [row(do_sample=True, seed=seed) for seed in range(4)]
    object.__setattr__(rows[1].sampling.params, "top_p", "all")
    scores, failures = select_tokens(rows, SCORES.repeat(4, 1))
    assert list(failures) == [1]
    tokens = scores.argmax(dim=-1).tolist()
    assert [tokens[0], *tokens[2:]] == [expected[0], *expected[2:]]
