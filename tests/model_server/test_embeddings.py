"""Embeddings, equal to the mean of the hidden states that transformers computes itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from model_server.engine import AdapterSource, EmbeddingRequest, TokenIds
from model_server.errors import GenerationFailed, InvalidRequest
from model_server.transformers import prompt_pooler
from model_server.transformers.engine import TransformersEngine
from tests.model_server.conftest import transformers_engine
from tests.model_server.tiny_model import make_adapter
from tests.waiting import until

SHORT = "The ship sails over the sea"
# More than one forward pass of the batch, which takes 512 tokens.
LONG = SHORT * 120


@pytest.fixture
async def engine(model_folder: Path) -> AsyncIterator[TransformersEngine]:
    engine = transformers_engine(model_folder)
    await engine.start()
    yield engine
    await engine.stop()


def expected(model: Any, ids: list[int]) -> list[float]:
    with torch.no_grad():
        output = model(torch.tensor([ids]), output_hidden_states=True)
    mean = output.hidden_states[-1][0].float().mean(dim=0)
    return list((mean / mean.norm()).tolist())


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
async def test_vectors_equal_those_of_transformers(
    engine: TransformersEngine, model_folder: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    base = AutoModelForCausalLM.from_pretrained(model_folder).eval()
    folder = make_adapter(tmp_path / "style")
    await engine.load_adapter(AdapterSource(name="style", path=folder))
    # Twenty inputs, so that some wait for others, and both models in one batch.
    texts = (SHORT, LONG, "gold", *(f"{SHORT} {number}" for number in range(17)))
    answers = await asyncio.gather(
        *(engine.embed(EmbeddingRequest(inputs=texts, adapter=name)) for name in (None, "style"))
    )
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model_folder), folder
    ).eval()
    for answer, model in zip(answers, (base, adapted), strict=True):
        ids = [tokenizer(text)["input_ids"] for text in texts]
        assert answer.prompt_tokens == sum(map(len, ids))
        for vector, each in zip(answer.vectors, ids, strict=True):
            assert list(vector) == pytest.approx(expected(model, each), abs=1e-5)


async def test_tokens_of_a_whole_context_are_embedded(engine: TransformersEngine) -> None:
    whole = await engine.embed(EmbeddingRequest(inputs=(TokenIds((5, 6) * 1024),)))
    assert whole.prompt_tokens == 2048
    more = EmbeddingRequest(inputs=(TokenIds((5, 6) * 3000),), truncate=True)
    assert (await engine.embed(more)).vectors[0] == pytest.approx(whole.vectors[0], abs=1e-5)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (EmbeddingRequest(inputs=("gold", "gold " * 2500)), "inputs[1]"),
        (EmbeddingRequest(inputs=("gold", "x" * 10**6)), "inputs[1].text"),
        (EmbeddingRequest(inputs=(TokenIds((5,) * 2049),)), "inputs[0].token_ids.ids"),
        (EmbeddingRequest(inputs=(TokenIds((5, 10**6)),)), "inputs[0].token_ids.ids[1]"),
        (EmbeddingRequest(inputs=("a",) * 200_000), "inputs"),
    ],
    ids="long longer many unknown inputs".split(),
)
async def test_input_that_does_not_fit_is_named(
    engine: TransformersEngine, request_: EmbeddingRequest, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await engine.embed(request_)
    assert caught.value.field == field


async def test_canceled_call_leaves_nothing_behind(engine: TransformersEngine) -> None:
    call = asyncio.ensure_future(engine.embed(EmbeddingRequest(inputs=(LONG,) * 200)))
    await until(lambda: engine.scheduler_stats().running > 0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: engine.scheduler_stats().running == 0)
    assert (await engine.embed(EmbeddingRequest(inputs=("gold",)))).prompt_tokens


async def test_input_that_cannot_be_embedded_ends_its_call_alone(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await engine.embed(EmbeddingRequest(inputs=(SHORT,)))
    add = prompt_pooler._add

    def explode(piece: Any, states: torch.Tensor) -> None:
        if len(piece.sequence.prompt) < 3:
            raise MemoryError("no memory for the states")
        add(piece, states)

    monkeypatch.setattr(prompt_pooler, "_add", explode)
    results = await asyncio.gather(
        engine.embed(EmbeddingRequest(inputs=(SHORT,))),
        engine.embed(EmbeddingRequest(inputs=(TokenIds((5,)),))),
        return_exceptions=True,
    )
    assert not isinstance(results[0], BaseException)
    assert results[0].vectors[0] == pytest.approx(plain.vectors[0], abs=1e-5)
    assert isinstance(results[1], GenerationFailed)
    assert "no memory for the states" in results[1].message
