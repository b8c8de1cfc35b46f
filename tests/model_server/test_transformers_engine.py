"""What only the real engine does: beam search, sampling within a batch, rejected files."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor

from model_server.engine import AdapterSource, ChatMessage, Conversation, Delta, GenerationRequest
from model_server.errors import (
    AdapterInvalid,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
)
from model_server.options import GenerationOptions
from model_server.transformers.batch_sampler import BatchSampler
from model_server.transformers.engine import TransformersEngine
from model_server.transformers.lora_layers import LoraLayers
from tests.model_server.conftest import transformers_engine
from tests.model_server.tiny_model import adapter_weights, make_adapter
from tests.waiting import HANG_SECONDS, until

PROMPT = "The ship sails"


def copy(model: Path, folder: Path) -> Path:
    return Path(shutil.copytree(model, folder))


@pytest.fixture
async def started(model_folder: Path) -> AsyncIterator[TransformersEngine]:
    engine = transformers_engine(model_folder)
    await engine.start()
    yield engine
    await engine.stop()


async def deltas_of(engine: TransformersEngine, request: GenerationRequest) -> list[Delta]:
    async with aclosing(engine.generate(request)) as deltas:
        return [delta async for delta in deltas]


async def text_of(engine: TransformersEngine, adapter: str | None = None, **options: Any) -> str:
    given = GenerationOptions(**{"max_new_tokens": 24, **options})
    request = GenerationRequest(prompt=PROMPT, options=given, adapter=adapter)
    return "".join(delta.text for delta in await deltas_of(engine, request))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"repetition_penalty": 1.5},
        {"no_repeat_ngram_size": 2},
        {"num_beams": 3},
        {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True},
    ],
    ids="greedy penalty ngrams beams long_beams".split(),
)
async def test_text_equals_that_of_transformers_generate(
    started: TransformersEngine, model_folder: Path, options: dict[str, Any]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    prompt = tokenizer(PROMPT, return_tensors="pt")
    expected = model.generate(**prompt, max_new_tokens=24, do_sample=False, **options)
    new = expected[0, prompt["input_ids"].shape[1] :]
    text = tokenizer.decode(new, skip_special_tokens=True)
    assert await text_of(started, **options) == text


async def test_beam_search_runs_beside_the_batch(
    started: TransformersEngine, tmp_path: Path
) -> None:
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"))
    await started.load_adapter(source)
    alone = [await text_of(started, name, num_beams=2) for name in (None, "style")]
    plain = await text_of(started)
    assert alone[0] != alone[1]
    for _ in range(3):
        texts = await asyncio.gather(
            *(text_of(started, name, num_beams=2) for name in (None, "style")),
            *(text_of(started) for _ in range(6)),
        )
        assert texts == [*alone, *[plain] * 6]


async def test_beam_search_returns_several_choices(started: TransformersEngine) -> None:
    options = GenerationOptions(max_new_tokens=12, num_beams=4, num_return_sequences=3)
    deltas = await deltas_of(started, GenerationRequest(prompt=PROMPT, options=options))
    assert [delta.index for delta in deltas] == [0, 1, 2]
    assert len({delta.text for delta in deltas}) == 3
    assert deltas[-1].usage
    assert deltas[-1].usage.completion_tokens == sum(delta.token_count for delta in deltas)


async def test_seed_makes_beam_search_repeatable(started: TransformersEngine) -> None:
    options: dict[str, Any] = {"num_beams": 2, "do_sample": True, "seed": 3, "temperature": 2.0}
    assert await text_of(started, **options) == await text_of(started, **options)


async def test_queue_longer_than_the_cache_is_processed(model_folder: Path) -> None:
    engine = TransformersEngine(
        transformers_engine(model_folder)._options,
        threads=1,
        kv_cache_budget_bytes=lambda: 1_200_000,
    )
    model = await engine.start()
    assert model.max_length < 2048
    try:
        texts = await asyncio.gather(
            *(text_of(engine, max_new_tokens=150, min_new_tokens=150) for _ in range(12))
        )
        assert len(set(texts)) == 1
        await until(lambda: engine.scheduler_stats().running == 0)
        assert engine.scheduler_stats().kv_cache_usage == 0.0
    finally:
        await engine.stop()


async def test_canceled_requests_leave_nothing_behind(started: TransformersEngine) -> None:
    options = GenerationOptions(max_new_tokens=500, min_new_tokens=500)
    for _ in range(5):
        async with aclosing(
            started.generate(GenerationRequest(prompt=PROMPT, options=options))
        ) as deltas:
            await anext(deltas)
    await until(lambda: started.scheduler_stats().running == 0)
    assert started._started
    router = started._started.generator.batch._router
    assert router.listeners == {}
    assert router.output_queue.empty()


async def test_broken_generation_loop_is_reported(started: TransformersEngine) -> None:
    assert started._started
    model = started._started.generator.loaded.model

    def explode(*_: object) -> None:
        raise RuntimeError("out of memory")

    model.model.layers[0].register_forward_pre_hook(explode)
    with pytest.raises(Exception, match="out of memory"):
        await text_of(started)
    async with asyncio.timeout(HANG_SECONDS):
        assert "out of memory" in await started.failure()


async def test_sequence_that_cannot_be_continued_ends_alone(started: TransformersEngine) -> None:
    plain = await text_of(started, max_new_tokens=60)
    select = BatchSampler.__call__

    def poison(self: BatchSampler, tokens: Any, scores: torch.Tensor, more: Any) -> torch.Tensor:
        for at, each in enumerate(self._rows):
            # The sequence's own options mark it.
            if each.sampling.params.top_k == 7:
                scores[at] = torch.nan
        return select(self, tokens, scores, more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchSampler, "__call__", poison)
        bad: dict[str, Any] = {"max_new_tokens": 60, "do_sample": True, "top_k": 7}
        results = await asyncio.gather(
            *(text_of(started, max_new_tokens=60) for _ in range(4)),
            text_of(started, **bad),
            return_exceptions=True,
        )
    assert results[:4] == [plain] * 4
    assert isinstance(results[4], GenerationFailed)
    assert "not a finite number" in results[4].message
    await until(lambda: started.scheduler_stats().running == 0)
    assert started.scheduler_stats().kv_cache_usage == 0.0
    assert await text_of(started, max_new_tokens=60) == plain


async def test_broken_beam_search_ends_alone(started: TransformersEngine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            RepetitionPenaltyLogitsProcessor, "__call__", lambda *_: torch.ones(2, 400) * torch.nan
        )
        with pytest.raises(GenerationFailed, match="not finite"):
            await text_of(started, num_beams=2, repetition_penalty=1.5)
    assert await text_of(started, num_beams=2)


@pytest.mark.parametrize(
    ("break_folder", "error"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            r"no \*\.safetensors",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"\x80\x04"),
            "does not load",
        ),
        (
            lambda folder: save_file(
                {"lm_head.weight": torch.zeros(400, 64)}, folder / "model.safetensors"
            ),
            "do not hold 15 weights",
        ),
    ],
    ids="config pickle torn partial".split(),
)
async def test_unusable_model_folder_is_rejected(
    model_folder: Path,
    tmp_path: Path,
    break_folder: Callable[[Path], object],
    error: str,
) -> None:
    folder = copy(model_folder, tmp_path / "model")
    break_folder(folder)
    engine = transformers_engine(folder)
    with pytest.raises(ModelLoadFailed, match=error):
        await engine.start()
    await engine.stop()


async def test_code_in_a_model_folder_is_not_run(model_folder: Path, tmp_path: Path) -> None:
    folder = copy(model_folder, tmp_path / "model")
    config = (folder / "config.json").read_text()
    config = config.replace('"model_type": "phi3"', '"model_type": "owl"').replace(
        "{", '{"auto_map": {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"},', 1
    )
    (folder / "config.json").write_text(config)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    engine = transformers_engine(folder)
    with pytest.raises(ModelLoadFailed):
        await engine.start()
    await engine.stop()
    assert not (tmp_path / "ran").exists()


async def test_unsupported_adapter_is_rejected(started: TransformersEngine, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "style", use_dora=True)
    with pytest.raises(AdapterInvalid, match="use_dora"):
        await started.load_adapter(AdapterSource(name="style", path=folder))


async def test_adapter_that_fails_in_any_way_leaves_nothing_behind(
    started: TransformersEngine, tmp_path: Path
) -> None:
    plain = await text_of(started)
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoraLayers, "_applied_modules", lambda *_: 1 / 0)
        with pytest.raises(AdapterInvalid, match=r"'style' in .* does not load: ZeroDivisionError"):
            await started.load_adapter(source)
    assert await text_of(started, "style") == plain
    await started.load_adapter(source)
    assert await text_of(started, "style") != plain


async def test_model_without_chat_template_rejects_conversations(
    model_folder: Path, tmp_path: Path
) -> None:
    folder = copy(model_folder, tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    engine = transformers_engine(folder)
    assert not (await engine.start()).has_chat_template
    with pytest.raises(InvalidRequest, match="no chat template; send a prompt instead"):
        await engine.tokenize(Conversation(messages=(ChatMessage("user", "ship"),)), True)
    await engine.stop()


async def test_requested_context_is_served(model_folder: Path) -> None:
    engine = transformers_engine(model_folder, context_tokens=128)
    assert (await engine.start()).max_length == 128
    with pytest.raises(InvalidRequest, match="128 tokens"):
        await deltas_of(engine, GenerationRequest(prompt=PROMPT * 60, options=GenerationOptions()))
    await engine.stop()
    assert torch.get_num_threads() == 1


async def test_an_adapter_that_generates_no_token_is_rejected(
    started: TransformersEngine, tmp_path: Path
) -> None:
    """Its numbers are all finite, but not what the model makes of them."""
    folder = make_adapter(tmp_path / "bad")
    weights = {name: each * 1e30 for name, each in adapter_weights(1).items()}
    save_file(weights, folder / "adapter_model.safetensors")
    with pytest.raises(
        AdapterInvalid, match=r"'bad': the model generates no token with it: .*not a finite"
    ):
        await started.load_adapter(AdapterSource(name="bad", path=folder))
    # Nothing of it is left: the next one may have the name.
    good = make_adapter(tmp_path / "good")
    await started.load_adapter(AdapterSource(name="bad", path=good))
    assert await text_of(started, "bad") != await text_of(started)
