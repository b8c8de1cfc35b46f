"""Log probabilities of answers and prompts, equal to those that transformers computes itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from model_server.engine import (
    AdapterSource,
    Delta,
    GenerationRequest,
    TokenIds,
    TokenLogprob,
)
from model_server.errors import GenerationFailed, InvalidRequest
from model_server.options import GenerationOptions
from model_server.transformers import prompt_scorer
from model_server.transformers.engine import TransformersEngine
from tests.model_server.conftest import transformers_engine
from tests.model_server.tiny_model import make_adapter

PROMPT = "The ship sails over the sea to find gold"
# More than one forward pass of the batch, which takes 512 tokens.
LONG_PROMPT = PROMPT * 60


@pytest.fixture
async def engine(model_folder: Path) -> AsyncIterator[TransformersEngine]:
    engine = transformers_engine(model_folder)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture(scope="module")
def reference(model_folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model_folder).eval()


@pytest.fixture(scope="module")
def tokenizer(model_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(model_folder)


async def deltas_of(
    engine: TransformersEngine, prompt: str | TokenIds, adapter: str | None = None, **options: Any
) -> list[Delta]:
    given = GenerationOptions(**{"max_new_tokens": 40, **options})
    request = GenerationRequest(prompt=prompt, options=given, adapter=adapter)
    async with aclosing(engine.generate(request)) as deltas:
        return [delta async for delta in deltas]


def expected_logprobs(model: Any, tokens: list[int]) -> torch.Tensor:
    """Of each position, those of all tokens that may follow."""
    with torch.no_grad():
        return torch.as_tensor(model(torch.tensor([tokens])).logits[0].float().log_softmax(-1))


def check(logprobs: list[TokenLogprob], tokens: list[int], table: torch.Tensor, top: int) -> None:
    """The log probabilities of `tokens`, the last ones, are those of the table before each."""
    before = table[len(table) - 1 - len(tokens) : -1]
    assert [each.token.id for each in logprobs] == tokens
    for each, row in zip(logprobs, before, strict=True):
        assert each.token.logprob == pytest.approx(float(row[each.token.id]), abs=1e-4)
        best = row.topk(top)
        assert [likely.logprob for likely in each.top] == pytest.approx(
            best.values.tolist(), abs=1e-4
        )
        assert len({likely.id for likely in each.top}) == top


def of_choice(deltas: list[Delta], index: int) -> tuple[list[TokenLogprob], list[int]]:
    own = [delta for delta in deltas if delta.index == index]
    for delta in own:
        assert len(delta.logprobs) == len(delta.token_ids) == delta.token_count
    logprobs = [each for delta in own for each in delta.logprobs]
    return logprobs, [token for delta in own for token in delta.token_ids]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_sample": True, "seed": 3, "temperature": 3.0, "top_k": 50},
        {"repetition_penalty": 1.5, "logit_bias": {40: 6.0, 41: -100.0}},
        {"do_sample": True, "seed": 3, "presence_penalty": 1.0, "typical_p": 0.9},
    ],
    ids="greedy sampled biased typical".split(),
)
async def test_logprobs_are_those_of_the_model_before_any_option(
    engine: TransformersEngine, reference: Any, tokenizer: Any, options: dict[str, Any]
) -> None:
    prompt = tokenizer(PROMPT)["input_ids"]
    deltas = await deltas_of(
        engine, PROMPT, logprobs=True, top_logprobs=5, return_token_ids=True, **options
    )
    logprobs, tokens = of_choice(deltas, 0)
    check(logprobs, tokens, expected_logprobs(reference, prompt + tokens), 5)
    assert deltas[0].prompt_token_ids == tuple(prompt)
    assert deltas[-1].usage
    assert deltas[-1].usage.completion_tokens == len(logprobs)


async def test_logprobs_equal_the_transition_scores_of_generate(
    engine: TransformersEngine, reference: Any, tokenizer: Any
) -> None:
    inputs = tokenizer(PROMPT, return_tensors="pt")
    output = reference.generate(
        **inputs, max_new_tokens=40, do_sample=False, output_scores=True, output_logits=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    scores = reference.compute_transition_scores(
        output.sequences, output.scores, normalize_logits=True
    )[0]
    logprobs, _ = of_choice(
        await deltas_of(engine, PROMPT, logprobs=True, return_token_ids=True), 0
    )
    assert [each.token.logprob for each in logprobs] == pytest.approx(scores.tolist(), abs=1e-4)


async def test_end_of_sequence_has_a_logprob(engine: TransformersEngine, tokenizer: Any) -> None:
    end = tokenizer.eos_token_id
    deltas = await deltas_of(
        engine, PROMPT, logprobs=True, return_token_ids=True, logit_bias={end: 100.0}
    )
    logprobs, tokens = of_choice(deltas, 0)
    assert tokens == [end]
    assert (logprobs[0].token.text, logprobs[0].token.raw) == ("<|end|>", b"<|end|>")
    assert "".join(delta.text for delta in deltas) == ""


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
async def test_each_request_of_a_batch_gets_its_own(
    engine: TransformersEngine, reference: Any, tokenizer: Any, tmp_path: Path
) -> None:
    folder = make_adapter(tmp_path / "style")
    await engine.load_adapter(AdapterSource(name="style", path=folder))
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(reference.name_or_path), folder
    ).eval()
    wanted: dict[str, Any] = {
        "logprobs": True, "prompt_logprobs": True, "return_token_ids": True,
    }  # fmt: skip
    answers = await asyncio.gather(
        deltas_of(engine, LONG_PROMPT, top_logprobs=3, **wanted),
        deltas_of(engine, PROMPT),
        deltas_of(engine, PROMPT, "style", top_logprobs=1, **wanted),
        deltas_of(engine, PROMPT, logprobs=True, return_token_ids=True),
        deltas_of(engine, LONG_PROMPT, "style", **wanted),
    )
    assert not any(delta.logprobs or delta.prompt_logprobs for delta in answers[1])
    for deltas, model, text, top in (
        (answers[0], reference, LONG_PROMPT, 3),
        (answers[2], adapted, PROMPT, 1),
        (answers[4], adapted, LONG_PROMPT, 0),
    ):
        prompt = tokenizer(text)["input_ids"]
        logprobs, tokens = of_choice(deltas, 0)
        table = expected_logprobs(model, prompt + tokens)
        check(logprobs, tokens, table, top)
        first, *rest = deltas[0].prompt_logprobs
        assert (first.token.id, first.token.logprob, first.top) == (prompt[0], None, ())
        check(list(rest), prompt[1:], table[: len(prompt)], top)
        assert not any(delta.prompt_logprobs for delta in deltas[1:])
    assert len(of_choice(answers[3], 0)[0]) == 40


async def test_choices_share_the_logprobs_of_the_prompt(engine: TransformersEngine) -> None:
    deltas = await deltas_of(
        engine, PROMPT, prompt_logprobs=True, num_return_sequences=3, logprobs=True,
        return_token_ids=True, do_sample=True, seed=1,
    )  # fmt: skip
    assert deltas[0].prompt_logprobs
    assert not any(delta.prompt_logprobs for delta in deltas[1:])
    assert len({tuple(of_choice(deltas, index)[1]) for index in range(3)}) == 3


async def test_logprobs_survive_a_lost_place_in_the_cache(
    model_folder: Path, reference: Any, tokenizer: Any
) -> None:
    engine = TransformersEngine(
        transformers_engine(model_folder)._options,
        threads=1,
        kv_cache_budget_bytes=lambda: 1_200_000,
    )
    await engine.start()
    try:
        answers = await asyncio.gather(
            *(
                deltas_of(
                    engine, PROMPT, max_new_tokens=150, min_new_tokens=150, logprobs=True,
                    prompt_logprobs=True, return_token_ids=True, frequency_penalty=0.5,
                )
                for _ in range(12)
            )
        )  # fmt: skip
    finally:
        await engine.stop()
    prompt = tokenizer(PROMPT)["input_ids"]
    for deltas in answers:
        logprobs, tokens = of_choice(deltas, 0)
        assert tokens == of_choice(answers[0], 0)[1]
        check(logprobs, tokens, expected_logprobs(reference, prompt + tokens), 0)
        assert len(deltas[0].prompt_logprobs) == len(prompt)


async def test_prompt_that_cannot_be_scored_ends_alone(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise MemoryError("no memory for the scores")

    monkeypatch.setattr(prompt_scorer, "score_tokens", explode)
    plain, scored = await asyncio.gather(
        deltas_of(engine, PROMPT),
        deltas_of(engine, PROMPT, prompt_logprobs=True),
        return_exceptions=True,
    )
    assert isinstance(scored, GenerationFailed)
    assert "no memory for the scores" in scored.message
    assert isinstance(plain, list)
    assert plain[-1].usage


@pytest.mark.parametrize(
    ("prompt", "options", "field"),
    [
        (PROMPT, {"logit_bias": {3: 1.0, 400: 1.0}}, "options.logit_bias[400]"),
        (PROMPT, {"num_beams": 2, "logprobs": True}, "options.logprobs"),
        (PROMPT, {"num_beams": 2, "logit_bias": {3: 1.0}}, "options.logit_bias"),
        (TokenIds((5, 400)), {}, "token_ids.ids[1]"),
        (TokenIds((5,) * 3000), {}, "token_ids.ids"),
    ],
    ids="bias beams beams-bias unknown long".split(),
)
async def test_what_cannot_be_served_is_named(
    engine: TransformersEngine, prompt: str | TokenIds, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await deltas_of(engine, prompt, **options)
    assert caught.value.field == field


async def test_token_ids_give_the_answer_of_their_text(
    engine: TransformersEngine, tokenizer: Any
) -> None:
    tokens = TokenIds(tuple(tokenizer(PROMPT)["input_ids"]))
    texts = ["".join(each.text for each in await deltas_of(engine, p)) for p in (PROMPT, tokens)]
    assert texts[0] == texts[1]


async def test_ignored_end_of_sequence_does_not_end_the_answer(
    engine: TransformersEngine, tokenizer: Any
) -> None:
    deltas = await deltas_of(
        engine, PROMPT, ignore_eos=True, logit_bias={tokenizer.eos_token_id: 100.0}
    )
    assert deltas[-1].usage
    assert deltas[-1].usage.completion_tokens == 40
    assert deltas[-1].finish_reason == "length"
