"""The engine over a server that starts late, goes away, breaks the API, or cannot do something."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from model_server.engine import AdapterSource, ChatMessage, Conversation, GenerationRequest, Prompt
from model_server.errors import (
    AdapterInvalid,
    EngineFailed,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
    Overloaded,
)
from model_server.openai_server.engine import OpenAIServerEngine
from model_server.options import GenerationOptions
from tests.model_server.openai_server.double import MODEL_ID, OpenAIDouble, listening
from tests.model_server.tiny_model import make_adapter
from tests.waiting import until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Pause = Callable[[float], Awaitable[None]]
_CHAT = Conversation(messages=(ChatMessage("user", "Hi"),))


@pytest.fixture
async def double() -> AsyncIterator[OpenAIDouble]:
    async with OpenAIDouble().running() as running:
        yield running


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


class Engines:
    """The engines of one test."""

    def __init__(self) -> None:
        self._open: list[OpenAIServerEngine] = []

    def create(
        self,
        url: str,
        sleep: Pause = _no_pause,
        *,
        model: str = "",
        max_context_tokens: int | None = None,
    ) -> OpenAIServerEngine:
        engine = OpenAIServerEngine(
            url, model=model, max_context_tokens=max_context_tokens, sleep=sleep
        )
        self._open.append(engine)
        return engine

    async def start(self, double: OpenAIDouble) -> OpenAIServerEngine:
        engine = self.create(double.url)
        await engine.start()
        double.seen.clear()
        return engine

    async def close(self) -> None:
        for engine in self._open:
            await engine.stop()


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    opened = Engines()
    yield opened
    await opened.close()


async def _generate(engine: OpenAIServerEngine, prompt: Prompt = "Hi", **options: Any) -> str:
    request = GenerationRequest(prompt=prompt, options=GenerationOptions(**options))
    async with aclosing(engine.generate(request)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def test_the_model_is_described_by_its_server(engines: Engines, double: OpenAIDouble) -> None:
    model = await engines.create(double.url).start()
    assert (model.max_length, model.engine) == (2048, "vllm 0.33.0")
    assert "POST /v1/rerank" in model.http_routes
    assert "chat.tools" in model.features


async def test_a_server_that_starts_late_is_waited_for(
    engines: Engines, unused_tcp_port: int
) -> None:
    pauses = 0

    async def pause(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        await asyncio.sleep(0)

    url = f"http://127.0.0.1:{unused_tcp_port}"
    engine = engines.create(url, pause)
    starting = asyncio.create_task(engine.start())
    await until(lambda: pauses > 3)
    assert not starting.done()
    async with OpenAIDouble().running(unused_tcp_port):
        assert (await starting).max_length == 2048


async def test_a_server_that_goes_away_is_a_failure(engines: Engines, double: OpenAIDouble) -> None:
    async with OpenAIDouble().running() as other:
        engine = await engines.start(other)
    assert await engine.failure() == f"{other.url} does not answer any more"
    with pytest.raises(EngineFailed, match="does not answer"):
        await _generate(engine)


async def test_the_server_gets_its_own_name_of_the_model(
    engines: Engines, double: OpenAIDouble
) -> None:
    engine = await engines.start(double)
    await _generate(engine, _CHAT, max_new_tokens=3)
    assert double.seen[0]["model"] == MODEL_ID
    assert double.seen[0]["max_tokens"] == 3


@pytest.mark.parametrize(
    ("prompt", "options", "max_tokens"),
    [
        # The double's tokens are bytes.
        ("x" * 10, {}, 1024),
        ("x" * 1500, {}, 548),
        ("x" * 10, {"max_length": 30}, 20),
        (_CHAT, {}, 1024),
    ],
)
async def test_an_answer_without_a_limit_has_the_contracts(
    engines: Engines, double: OpenAIDouble, prompt: Prompt, options: dict[str, int], max_tokens: int
) -> None:
    engine = await engines.start(double)
    await _generate(engine, prompt, **options)
    assert double.seen[0]["max_tokens"] == max_tokens


async def test_an_adapter_that_the_server_rejects_is_invalid(
    engines: Engines, double: OpenAIDouble, tmp_path: Path
) -> None:
    engine = await engines.start(double)
    folder = make_adapter(tmp_path / "poet")
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterInvalid, match=r"adapter 'poet': .* holds no adapter_model"):
        await engine.load_adapter(AdapterSource(name="poet", path=folder))
    with pytest.raises(AdapterInvalid, match="applies adapters as a whole; set the strength to 1"):
        await engine.load_adapter(AdapterSource(name="poet", path=folder, strength=0.5))


async def test_a_server_without_adapters_says_so(engines: Engines, tmp_path: Path) -> None:
    async with OpenAIDouble(has_openapi=False).running() as double:
        engine = await engines.start(double)
        with pytest.raises(AdapterInvalid, match="loads no adapters while it runs"):
            await engine.load_adapter(
                AdapterSource(name="poet", path=make_adapter(tmp_path / "poet"))
            )
        with pytest.raises(InvalidRequest, match="its engine has no POST /tokenize"):
            await engine.tokenize("Hi", add_special_tokens=True)


def _application(
    answer: Handler, *, models: Handler | None = None, health: Handler | None = None
) -> web.Application:
    application = web.Application()
    application.router.add_get("/v1/models", models or _list_models)
    if health:
        application.router.add_get("/health", health)
    application.router.add_post("/v1/completions", answer)
    return application


async def _list_models(_request: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": "m", "max_model_len": 128}]})


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (400, '{"error": {"message": "no", "param": "seed"}}', InvalidRequest, "seed = '...': "),
        (422, '{"detail": "no"}', InvalidRequest, "input = '...': the engine rejects it: "),
        (429, "busy", Overloaded, "the engine is full: busy"),
        (500, "<html>", GenerationFailed, "the engine answers 500: <html>"),
        (200, "data: {}\n\n", GenerationFailed, "ended in the middle of the answer"),
        (200, "data: {\n\ndata: [DONE]\n\n", GenerationFailed, "is no JSON"),
        (200, "", GenerationFailed, "ended in the middle of the answer"),
    ],
)
async def test_what_the_server_does_wrong_is_told(
    engines: Engines, status: int, body: str, error: type[Exception], says: str
) -> None:
    answers = iter((True,))

    async def answer(_request: web.Request) -> web.Response:
        # The test token at the start is answered right.
        if next(answers, False):
            chunk = '{"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]'
            usage = '"usage": {"prompt_tokens": 1, "completion_tokens": 1}}'
            return web.Response(text=f"data: {chunk}, {usage}\n\ndata: [DONE]\n\n")
        return web.Response(status=status, text=body)

    async with listening(_application(answer)) as url:
        engine = engines.create(url)
        await engine.start()
        with pytest.raises(error, match=says):
            await _generate(engine, max_new_tokens=3)


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ('{"data": []}', "KAITO_ENGINE_MODEL .*kaito.sh/engine-model"),
        ("[]", "lists no model"),
        (
            '{"data": [{"id": "m"}]}',
            "set KAITO_MAX_MODEL_LEN .*max-model-len in its inference.config",
        ),
    ],
)
async def test_a_server_that_does_not_describe_its_model_is_refused(
    engines: Engines, models: str, says: str
) -> None:
    async def list_models(_request: web.Request) -> web.Response:
        return web.Response(text=models)

    async def fail(_request: web.Request) -> web.Response:
        raise AssertionError("never called")

    async with listening(_application(fail, models=list_models)) as url:
        with pytest.raises(ModelLoadFailed, match=says):
            await engines.create(url).start()


async def test_the_settings_may_name_the_model(engines: Engines) -> None:
    """`transformers serve` lists what it could load, or fails to."""

    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((await request.json())["model"])
        chunk = '{"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]'
        usage = '"usage": {"prompt_tokens": 1, "completion_tokens": 1}}'
        # It sends no [DONE] either.
        return web.Response(text=f"data: {chunk}, {usage}\n\n")

    async with listening(_application(answer, models=fail, health=healthy)) as url:
        engine = engines.create(url, model="/mnt/model", max_context_tokens=512)
        assert (await engine.start()).max_length == 512
        assert seen == ["/mnt/model"]


async def test_a_model_that_does_not_run_is_not_served(engines: Engines) -> None:
    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500, text="CUDA error")

    async with listening(_application(fail)) as url:
        with pytest.raises(ModelLoadFailed, match=r"the model does not run: .*CUDA error"):
            await engines.create(url).start()
