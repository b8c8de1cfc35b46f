"""Prefixes that share their keys and values: same answers, and only within one adapter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from model_server.engine import AdapterSource, Delta, EmbeddingRequest, GenerationRequest, Usage
from model_server.options import GenerationOptions
from model_server.transformers.engine import TransformersEngine
from model_server.transformers.kv_cache import PAGE_TOKENS
from tests.model_server.conftest import transformers_engine
from tests.model_server.tiny_model import make_adapter
from tests.waiting import until

# Five blocks and a bit of a sixth.
PREFIX = "The ship sails over the sea to find gold and a map. " * 22
ENDS = ("Sailors", "A map", "", "The sea is")


@pytest.fixture
async def engine(model_folder: Path) -> AsyncIterator[TransformersEngine]:
    engine = transformers_engine(model_folder)
    await engine.start()
    yield engine
    await engine.stop()


async def answer_of(
    engine: TransformersEngine, prompt: str, adapter: str | None = None, **options: Any
) -> tuple[str, Usage]:
    given = GenerationOptions(**{"max_new_tokens": 30, **options})
    request = GenerationRequest(prompt=prompt, options=given, adapter=adapter)
    async with aclosing(engine.generate(request)) as stream:
        deltas: list[Delta] = [delta async for delta in stream]
    assert deltas[-1].usage
    return "".join(delta.text for delta in deltas), deltas[-1].usage


async def load(engine: TransformersEngine, folder: Path) -> None:
    await engine.load_adapter(AdapterSource(name="style", path=folder))


async def cold_answers(model: Path, adapter: Path | None) -> list[str]:
    """Each from an engine that has never seen the prefix."""
    answers = []
    for end in ENDS:
        engine = transformers_engine(model)
        await engine.start()
        if adapter:
            await load(engine, adapter)
        text, usage = await answer_of(engine, PREFIX + end, "style" if adapter else None)
        assert usage.cached_tokens == 0
        answers.append(text)
        await engine.stop()
    return answers


async def test_answers_from_a_shared_prefix_are_those_without_it(
    engine: TransformersEngine, model_folder: Path
) -> None:
    cold = await cold_answers(model_folder, None)
    await answer_of(engine, PREFIX + "And so on", max_new_tokens=1)
    warm = await asyncio.gather(*(answer_of(engine, PREFIX + end) for end in ENDS))
    assert [text for text, _ in warm] == cold
    for _, usage in warm:
        assert 4 * PAGE_TOKENS <= usage.cached_tokens < usage.prompt_tokens
        assert usage.cached_tokens % PAGE_TOKENS == 0


async def test_adapters_share_no_prefix_with_each_other_or_after_a_reload(
    engine: TransformersEngine, model_folder: Path, tmp_path: Path
) -> None:
    folders = [make_adapter(tmp_path / f"{seed}", seed=seed) for seed in (1, 2)]
    cold = {folder: await cold_answers(model_folder, folder) for folder in folders}
    assert cold[folders[0]] != cold[folders[1]]
    for end in ENDS:
        await answer_of(engine, PREFIX + end)
    for folder in folders:
        await load(engine, folder)
        for index, end in enumerate(ENDS):
            text, usage = await answer_of(engine, PREFIX + end, "style")
            assert text == cold[folder][index]
            assert (usage.cached_tokens > 0) == (index > 0)
        await engine.unload_adapter("style")
    await load(engine, folders[0])
    assert (await answer_of(engine, PREFIX, "style"))[1].cached_tokens == 0


async def test_answer_is_found_again_in_the_next_turn(engine: TransformersEngine) -> None:
    text, first = await answer_of(engine, PREFIX, max_new_tokens=200, ignore_eos=True)
    _, second = await answer_of(engine, PREFIX + text + "And then?", max_new_tokens=4)
    # Special tokens in the answer are not part of its text.
    assert second.cached_tokens >= first.prompt_tokens - PAGE_TOKENS


async def test_choices_share_their_prompt(engine: TransformersEngine) -> None:
    def computed() -> int:
        assert engine._started
        manager: Any = engine._started.generator.batch._manager
        return len(manager.batch_processor.cache.cache_allocators["full_attention"].ledger
                   .block_to_hash)  # fmt: skip

    await answer_of(engine, PREFIX, max_new_tokens=1)
    alone = computed()
    await answer_of(
        engine, PREFIX, num_return_sequences=8, do_sample=True, seed=1, max_new_tokens=2
    )
    assert computed() == alone


async def test_what_needs_the_whole_prompt_reuses_nothing(engine: TransformersEngine) -> None:
    await answer_of(engine, PREFIX)
    _, usage = await answer_of(engine, PREFIX, prompt_logprobs=True)
    assert usage.cached_tokens == 0
    before = await engine.embed(EmbeddingRequest(inputs=(PREFIX,)))
    again = await engine.embed(EmbeddingRequest(inputs=(PREFIX,)))
    assert again.vectors[0] == pytest.approx(before.vectors[0], abs=1e-5)


async def test_cached_prefixes_make_room(model_folder: Path) -> None:
    engine = TransformersEngine(
        transformers_engine(model_folder)._options,
        threads=1,
        kv_cache_budget_bytes=lambda: 3_000_000,
    )
    context = (await engine.start()).max_length
    assert context < 2048
    try:
        first = await answer_of(engine, PREFIX)
        # Several times the cache, one after another and at once.
        for number in range(30):
            await answer_of(engine, f"{number} {PREFIX}", max_new_tokens=1)
        await asyncio.gather(*(answer_of(engine, f"{n} gold {PREFIX}") for n in range(8)))
        await until(lambda: engine.scheduler_stats().running == 0)
        assert engine.scheduler_stats().kv_cache_usage == 0.0
        again = await answer_of(engine, PREFIX)
        assert again[0] == first[0]
    finally:
        await engine.stop()
