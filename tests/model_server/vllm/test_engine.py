"""What only vLLM has, and what a server of it that was started otherwise has not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from model_server.engine import (
    AdapterSource,
    ChatMessage,
    Conversation,
    EmbeddingRequest,
    GenerationRequest,
    Tool,
    ToolChoice,
    ToolMode,
)
from model_server.errors import AdapterInvalid, InvalidRequest, NotSupported
from model_server.options import GenerationOptions
from model_server.vllm.engine import VllmEngine
from tests.model_server.openai_server.double import MODEL_ID, listening
from tests.model_server.tiny_model import make_adapter
from tests.model_server.vllm.double import VllmDouble, make_byte_model
from tests.model_server.vllm.test_embeddings import _answer as vectors

_LOGPROBS = {"options.logprobs", "options.top_logprobs", "options.prompt_logprobs"}
_TOOLS = {"chat.tools", "chat.tool_choice"}


@asynccontextmanager
async def started(
    double: VllmDouble, folder: Path, adapters_dir: Path | None = None
) -> AsyncIterator[tuple[VllmEngine, Any]]:
    """An engine over the double, and its model."""
    async with double.running():
        engine = VllmEngine(double.url, model_path=folder, adapters_dir=adapters_dir)
        try:
            model = await engine.start()
            double.seen.clear()
            yield engine, model
        finally:
            await engine.stop()


async def test_features_are_those_of_the_running_server(tmp_path: Path) -> None:
    make_byte_model(tmp_path)
    async with started(VllmDouble(), tmp_path) as (_, model):
        assert model.features >= _LOGPROBS | _TOOLS | {"priority", "options.return_token_ids"}
        assert model.engine == "vllm 0.32.0"
        assert model.architecture == "FakeForCausalLM"
    async with started(VllmDouble(priority=False, tools=False), tmp_path) as (_, model):
        assert not model.features & (_TOOLS | {"priority"})
        assert model.has_chat_template


async def test_without_a_vocabulary_log_probabilities_are_no_feature(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("torn")
    async with started(VllmDouble(), tmp_path) as (_, model):
        assert not model.features & _LOGPROBS
        assert "options.return_token_ids" in model.features


async def test_adapters_of_an_earlier_process_are_unloaded(tmp_path: Path) -> None:
    double = VllmDouble(adapters=("old", "older"))
    async with started(double, tmp_path):
        assert double.loaded == {}


def _alphas(copies: Path) -> list[float]:
    """Of each copy."""
    files = copies.glob("*/adapter_config.json")
    return [json.loads(file.read_text())["lora_alpha"] for file in files]


async def test_an_adapter_is_loaded_from_a_copy_at_its_strength(tmp_path: Path) -> None:
    double, copies = VllmDouble(), tmp_path / "copies"
    source = AdapterSource(name="poet", path=make_adapter(tmp_path / "poet"), strength=0.5)
    async with started(double, tmp_path, copies) as (engine, _):
        info = await engine.load_adapter(source)
        assert (info.rank, info.base_model) == (4, "tiny")
        loaded = Path(double.loaded["poet"])
        assert loaded.parent == copies
        assert _alphas(copies) == [4]
        # It has generated a token before anybody may name it.
        assert [body["model"] for body in double.seen] == ["poet"]
        await engine.unload_adapter("poet")
        assert double.loaded == {}
        assert _alphas(copies) == []


async def test_an_adapter_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    double, copies = VllmDouble(), tmp_path / "copies"
    folder = make_adapter(tmp_path / "poet")
    (folder / "adapter_model.safetensors").unlink()
    async with started(double, tmp_path, copies) as (engine, _):
        # The message has the folder that the user knows.
        with pytest.raises(AdapterInvalid, match=f"^{folder} holds no adapter_model.safetensors"):
            await engine.load_adapter(AdapterSource(name="poet", path=folder))
        assert (double.loaded, _alphas(copies)) == ({}, [])


async def test_the_servers_own_refusal_of_an_adapter_is_told(tmp_path: Path) -> None:
    async with started(VllmDouble(max_rank=2), tmp_path) as (engine, _):
        source = AdapterSource(name="poet", path=make_adapter(tmp_path / "poet"))
        with pytest.raises(
            AdapterInvalid, match=r"adapter 'poet': .*LoRA rank 4 is greater than max_lora_rank 2"
        ):
            await engine.load_adapter(source)


async def test_an_adapter_that_generates_nothing_is_unloaded(tmp_path: Path) -> None:
    double = VllmDouble()
    async with started(double, tmp_path) as (engine, _):
        double.engine.next_error = InvalidRequest("input", "...", "the kernel is unhappy")
        source = AdapterSource(name="poet", path=make_adapter(tmp_path / "poet"))
        with pytest.raises(AdapterInvalid, match="loads it, and generates no token"):
            await engine.load_adapter(source)
        assert double.loaded == {}


async def test_an_unload_of_what_the_server_has_lost_succeeds(tmp_path: Path) -> None:
    async with started(VllmDouble(), tmp_path) as (engine, _):
        await engine.unload_adapter("poet")


async def _body(engine: VllmEngine, double: VllmDouble, request: GenerationRequest) -> Any:
    async for _ in engine.generate(request):
        pass
    return double.seen[-1]


async def test_calls_that_are_required_keep_to_their_schema(tmp_path: Path) -> None:
    def request(mode: ToolMode) -> GenerationRequest:
        conversation = Conversation(
            messages=(ChatMessage("user", "Hi"),),
            tools=(Tool("now", "", {"type": "object"}),),
            tool_choice=ToolChoice(mode),
        )
        return GenerationRequest(prompt=conversation, options=GenerationOptions(max_new_tokens=1))

    double = VllmDouble()
    async with started(double, tmp_path) as (engine, _):
        for mode, strict in ((ToolMode.REQUIRED, True), (ToolMode.AUTO, False)):
            body = await _body(engine, double, request(mode))
            assert body["tools"][0]["function"]["strict"] is strict


async def test_an_answer_gets_the_tokens_that_the_context_has_left(tmp_path: Path) -> None:
    double = VllmDouble()
    async with started(double, tmp_path) as (engine, _):
        options = GenerationOptions(max_new_tokens=100)
        body = await _body(engine, double, GenerationRequest(prompt="x" * 2000, options=options))
        assert [each["max_tokens"] for each in double.seen] == [100, 48]
        assert body["max_tokens"] == 48
        double.seen.clear()
        await _body(engine, double, GenerationRequest(prompt="x" * 100, options=options))
        assert len(double.seen) == 1


def _embedding_server() -> web.Application:
    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": MODEL_ID, "max_model_len": 512}]})

    async def openapi(_request: web.Request) -> web.Response:
        return web.json_response({"paths": {"/v1/embeddings": {"post": {}}}})

    async def embed(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response(vectors(*[(3.0, 4.0)] * len(body["input"])))

    application = web.Application()
    routes: tuple[tuple[str, Callable[[web.Request], Awaitable[web.Response]]], ...] = (
        ("/v1/models", models),
        ("/openapi.json", openapi),
    )
    for path, handler in routes:
        application.router.add_get(path, handler)
    application.router.add_post("/v1/embeddings", embed)
    return application


async def test_a_server_that_only_embeds_is_served(tmp_path: Path) -> None:
    async with listening(_embedding_server()) as url:
        engine = VllmEngine(url, model_path=tmp_path, adapters_dir=None)
        model = await engine.start()
        assert ("embed" in model.features, model.has_chat_template) == (True, False)
        found = await engine.embed(EmbeddingRequest(inputs=("a", "b")))
        assert [*found.vectors] == [pytest.approx((0.6, 0.8))] * 2
        request = GenerationRequest(prompt="a", options=GenerationOptions(max_new_tokens=1))
        with pytest.raises(InvalidRequest, match="its engine has no POST /v1/completions"):
            await anext(engine.generate(request))
        await engine.stop()


@pytest.mark.parametrize("path", ["/classify", "/pooling"])
async def test_a_server_that_only_classifies_is_asked_that(tmp_path: Path, path: str) -> None:
    asked = list[Any]()

    async def models(_request: web.Request) -> web.Response:
        card = {"id": MODEL_ID, "max_model_len": 128, "parent": None}
        return web.json_response({"data": [card]})

    async def openapi(_request: web.Request) -> web.Response:
        return web.json_response({"paths": {path: {"post": {}}}})

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"data": []})

    application = web.Application()
    application.router.add_get("/v1/models", models)
    application.router.add_get("/openapi.json", openapi)
    application.router.add_post(path, answer)
    async with listening(application) as url:
        engine = VllmEngine(url, model_path=make_byte_model(tmp_path), adapters_dir=None)
        model = await engine.start()
        await engine.stop()
    assert asked == [{"model": MODEL_ID, "input": "a"}]
    assert model.http_routes == (f"POST {path}",)


async def test_a_server_that_generates_embeds_nothing(tmp_path: Path) -> None:
    async with started(VllmDouble(), tmp_path) as (engine, _):
        with pytest.raises(NotSupported, match=r"vllm 0\.32\.0, embeds no texts"):
            await engine.embed(EmbeddingRequest(inputs=("a",)))


async def test_what_is_waited_for_is_reported_once(tmp_path: Path, unused_tcp_port: int) -> None:
    reports: list[str] = []
    pauses = 0

    async def pause(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    url = f"http://127.0.0.1:{unused_tcp_port}"
    engine = VllmEngine(
        url, model_path=tmp_path, adapters_dir=None, report=reports.append, sleep=pause
    )
    with pytest.raises(asyncio.CancelledError):
        await engine.start()
    assert len(reports) == 1
    assert "the engine's server does not answer: Cannot connect to host 127.0.0.1" in reports[0]
    await engine.stop()
