"""What only the real engine has: beams, rules of the sampler in a batch, and refused files."""

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

from model_server.engine import AdapterSource, Job, Message, Piece
from model_server.errors import AdapterInvalid, InvalidRequest, ModelLoadFailed
from model_server.options import Options
from model_server.transformers.engine import TransformersEngine
from tests.model_server.conftest import transformers_engine, until
from tests.model_server.tiny_model import make_adapter

PROMPT = "The ship sails"


def copy(model: Path, folder: Path) -> Path:
    return Path(shutil.copytree(model, folder))


@pytest.fixture
async def started(model_folder: Path) -> AsyncIterator[TransformersEngine]:
    engine = transformers_engine(model_folder)
    await engine.start()
    yield engine
    await engine.stop()


async def pieces_of(engine: TransformersEngine, job: Job) -> list[Piece]:
    async with aclosing(engine.generate(job)) as pieces:
        return [piece async for piece in pieces]


async def text_of(engine: TransformersEngine, adapter: str | None = None, **options: Any) -> str:
    given = Options(**{"max_new_tokens": 24, **options})
    job = Job(prompt=PROMPT, options=given, adapter=adapter)
    return "".join(piece.text for piece in await pieces_of(engine, job))


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
async def test_says_what_generate_says(
    started: TransformersEngine, model_folder: Path, options: dict[str, Any]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    prompt = tokenizer(PROMPT, return_tensors="pt")
    expected = model.generate(**prompt, max_new_tokens=24, do_sample=False, **options)
    new = expected[0, prompt["input_ids"].shape[1] :]
    text = tokenizer.decode(new, skip_special_tokens=True).rstrip("\N{REPLACEMENT CHARACTER}")
    assert await text_of(started, **options) == text


async def test_beams_beside_a_running_batch(started: TransformersEngine, tmp_path: Path) -> None:
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"))
    await started.load_adapter(source)
    alone = [await text_of(started, name, num_beams=2) for name in (None, "style")]
    plain = await text_of(started)
    assert alone[0] != alone[1]
    for _ in range(3):
        found = await asyncio.gather(
            *(text_of(started, name, num_beams=2) for name in (None, "style")),
            *(text_of(started) for _ in range(6)),
        )
        assert found == [*alone, *[plain] * 6]


async def test_beams_return_several_choices(started: TransformersEngine) -> None:
    options = Options(max_new_tokens=12, num_beams=4, num_return_sequences=3)
    pieces = await pieces_of(started, Job(prompt=PROMPT, options=options))
    assert [piece.index for piece in pieces] == [0, 1, 2]
    assert len({piece.text for piece in pieces}) == 3
    assert pieces[-1].usage
    assert pieces[-1].usage.completion_tokens == sum(piece.tokens for piece in pieces)


async def test_beams_drawn_under_a_seed_repeat(started: TransformersEngine) -> None:
    options: dict[str, Any] = {"num_beams": 2, "do_sample": True, "seed": 3, "temperature": 2.0}
    assert await text_of(started, **options) == await text_of(started, **options)


async def test_queue_longer_than_the_cache_is_worked_off(model_folder: Path) -> None:
    engine = TransformersEngine(
        transformers_engine(model_folder)._options, threads=1, cache_budget=lambda: 1_200_000
    )
    model = await engine.start()
    assert model.max_length < 2048
    try:
        found = await asyncio.gather(
            *(text_of(engine, max_new_tokens=150, min_new_tokens=150) for _ in range(12))
        )
        assert len(set(found)) == 1
        await until(lambda: engine.occupancy().running == 0)
        assert engine.occupancy().kv_used == 0.0
    finally:
        await engine.stop()


async def test_dropped_jobs_leave_nothing_behind(started: TransformersEngine) -> None:
    options = Options(max_new_tokens=500, min_new_tokens=500)
    for _ in range(5):
        async with aclosing(started.generate(Job(prompt=PROMPT, options=options))) as pieces:
            await anext(pieces)
    await until(lambda: started.occupancy().running == 0)
    assert started._parts
    assert started._parts.batching._delivery.listeners == {}
    assert started._parts.batching._delivery.output_queue.empty()


async def test_broken_loop_is_reported(started: TransformersEngine) -> None:
    assert started._parts
    model = started._parts.loaded.model

    def explode(*_: object) -> None:
        raise RuntimeError("out of memory")

    model.model.layers[0].register_forward_pre_hook(explode)
    with pytest.raises(Exception, match="out of memory"):
        await text_of(started)
    async with asyncio.timeout(10):
        assert "out of memory" in await started.failure()


@pytest.mark.parametrize(
    ("break_it", "words"),
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
async def test_unfit_model_folders_are_refused(
    model_folder: Path,
    tmp_path: Path,
    break_it: Callable[[Path], object],
    words: str,
) -> None:
    folder = copy(model_folder, tmp_path / "model")
    break_it(folder)
    engine = transformers_engine(folder)
    with pytest.raises(ModelLoadFailed, match=words):
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


async def test_adapter_of_another_model_is_refused(
    started: TransformersEngine, tmp_path: Path
) -> None:
    folder = make_adapter(tmp_path / "style", use_dora=True)
    with pytest.raises(AdapterInvalid, match="use_dora"):
        await started.load_adapter(AdapterSource(name="style", path=folder))


async def test_model_without_template_takes_prompts_only(
    model_folder: Path, tmp_path: Path
) -> None:
    folder = copy(model_folder, tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    engine = transformers_engine(folder)
    assert not (await engine.start()).has_chat_template
    with pytest.raises(InvalidRequest, match="no chat template; set prompt"):
        await engine.tokenize((Message("user", "ship"),), True)
    await engine.stop()


async def test_context_that_was_asked_for(model_folder: Path) -> None:
    engine = transformers_engine(model_folder, context=128)
    assert (await engine.start()).max_length == 128
    with pytest.raises(InvalidRequest, match="128 tokens"):
        await pieces_of(engine, Job(prompt=PROMPT * 60, options=Options()))
    await engine.stop()
    assert torch.get_num_threads() == 1
