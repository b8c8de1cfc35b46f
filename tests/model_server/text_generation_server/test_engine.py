"""What only this engine does, and what it says of a server that cannot do something."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web

from kaito.inference.v1 import inference_pb2 as pb
from model_server.engine import (
    AdapterSource,
    ChatMessage,
    Conversation,
    Delta,
    GenerationRequest,
    ModelInfo,
    Prompt,
    TokenIds,
)
from model_server.errors import (
    AdapterInvalid,
    EngineFailed,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
    Overloaded,
)
from model_server.options import GenerationOptions
from model_server.text_generation_server.engine import TextGenerationServerEngine
from tests.model_server.conftest import Setup, generate_request, running
from tests.model_server.openai_server.double import listening
from tests.model_server.text_generation_server.double import TextGenerationServerDouble
from tests.model_server.tiny_model import make_adapter
from tests.model_server.vllm.double import make_byte_model
from tests.waiting import until

_CHAT = Conversation(messages=(ChatMessage("user", "Hi"),))


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def started(
    double: TextGenerationServerDouble, folder: Path
) -> AsyncIterator[tuple[TextGenerationServerEngine, ModelInfo]]:
    """An engine over the double, and its model."""
    async with double.running():
        engine = TextGenerationServerEngine(double.url, model_path=folder, sleep=_no_pause)
        try:
            model = await engine.start()
            double.seen.clear()
            yield engine, model
        finally:
            await engine.stop()


async def _generate(
    engine: TextGenerationServerEngine, prompt: Prompt = "Hi", **options: Any
) -> list[Delta]:
    request = GenerationRequest(prompt=prompt, options=GenerationOptions(**options))
    async with aclosing(engine.generate(request)) as deltas:
        return [delta async for delta in deltas]


async def test_the_model_is_described_by_its_server(tmp_path: Path) -> None:
    async with started(TextGenerationServerDouble(), tmp_path) as (_, model):
        assert (model.max_length, model.engine) == (2048, "text-generation-server 2.4.1-dev0")
        assert model.has_chat_template
        assert "structured_output" in model.features
        # There is no tokenizer.json, which has the bytes of tokens.
        assert "options.logprobs" not in model.features
    async with started(TextGenerationServerDouble(), make_byte_model(tmp_path)) as (_, model):
        assert {"options.logprobs", "options.top_logprobs"} < model.features
    async with started(TextGenerationServerDouble(has_template=False), tmp_path) as (_, model):
        assert not model.has_chat_template


@pytest.mark.parametrize("begins", [True, False])
async def test_the_server_gets_the_rendered_conversation(tmp_path: Path, begins: bool) -> None:
    double = TextGenerationServerDouble(begins=begins)
    async with started(double, tmp_path) as (engine, _):
        deltas = await _generate(engine, _CHAT, max_new_tokens=3)
        assert double.seen[0]["inputs"] == "<user>Hi<assistant>"
        tokens = await engine.tokenize(_CHAT, add_special_tokens=True)
        assert deltas[-1].usage
        assert deltas[-1].usage.prompt_tokens == len(tokens.ids)


async def test_a_stop_string_that_the_server_overlooks_ends_its_work(tmp_path: Path) -> None:
    double = TextGenerationServerDouble()
    async with started(double, tmp_path) as (engine, _):
        plain = "".join(delta.text for delta in await _generate(engine, max_new_tokens=80))
        stops = (*(f"never {each}" for each in range(5)), plain[10:14])
        canceled = double.engine.canceled
        deltas = await _generate(engine, max_new_tokens=80, stop=stops)
        assert "".join(delta.text for delta in deltas) == plain[: plain.index(plain[10:14])]
        assert double.seen[-1]["parameters"]["stop"] == list(stops[:4])
        assert deltas[-1].usage
        assert deltas[-1].usage.prompt_tokens == 3
        await until(lambda: double.engine.canceled > canceled)


async def test_a_client_that_leaves_ends_the_engines_work(
    tmp_path: Path, adapters_folder: Path
) -> None:
    double = TextGenerationServerDouble(adapters=("pirate", "poet"))
    async with double.running():
        engine = TextGenerationServerEngine(double.url, model_path=tmp_path)
        async with running(engine, Setup(adapters=adapters_folder)) as server:
            request = generate_request(max_new_tokens=200, num_return_sequences=3)
            call = server.stub.StreamGenerate(pb.StreamGenerateRequest(request=request))
            await call.read()
            double.engine.gate.clear()
            canceled = double.engine.canceled
            call.cancel()
            await until(lambda: double.engine.canceled == canceled + 3)
            await until(lambda: engine.scheduler_stats().running == 0)
            double.engine.gate.set()
            answer = await server.stub.Generate(generate_request(max_new_tokens=2))
            assert answer.usage.completion_tokens == 2


async def test_a_prompt_is_as_long_as_the_server_takes(tmp_path: Path) -> None:
    double = TextGenerationServerDouble(max_input_tokens=100)
    async with started(double, tmp_path) as (engine, _):
        assert await _generate(engine, "x" * 90, max_new_tokens=3)
        with pytest.raises(InvalidRequest, match=r"101 tokens.*prompts of at most 100 tokens"):
            await _generate(engine, "x" * 100, max_new_tokens=3)


async def test_an_answer_that_does_not_fit_is_as_long_as_fits(tmp_path: Path) -> None:
    double = TextGenerationServerDouble()
    async with started(double, tmp_path) as (engine, _):
        assert await _generate(engine, "x" * 2000, max_new_tokens=100)
        assert double.seen[-1]["parameters"]["max_new_tokens"] == 47


async def test_an_adapter_that_the_server_was_not_started_with_is_named(tmp_path: Path) -> None:
    poet = make_adapter(tmp_path / "poet")
    async with started(TextGenerationServerDouble(), tmp_path) as (engine, _):
        with pytest.raises(AdapterInvalid, match=r"start it with LORA_ADAPTERS=poet=.*/poet"):
            await engine.load_adapter(AdapterSource(name="poet", path=poet))
        with pytest.raises(AdapterInvalid, match="set the strength to 1"):
            await engine.load_adapter(AdapterSource(name="poet", path=poet, strength=0.5))
    async with started(TextGenerationServerDouble(adapters=["poet"]), tmp_path) as (engine, _):
        assert (await engine.load_adapter(AdapterSource(name="poet", path=poet))).rank


async def test_an_adapter_may_declare_the_servers_own_name_of_the_model(
    adapters_folder: Path,
) -> None:
    make_adapter(adapters_folder / "zephyr", base_model_name_or_path="acme/zephyr-7b-beta")
    make_adapter(adapters_folder / "falcon", base_model_name_or_path="acme/falcon-7b")
    names = ("pirate", "poet", "zephyr", "falcon")
    double = TextGenerationServerDouble(adapters=names, model_id="HuggingFaceH4/zephyr-7b-beta")
    async with double.running():
        engine = TextGenerationServerEngine(double.url, model_path=adapters_folder)
        async with running(engine, Setup(adapters=adapters_folder)) as server:
            rejected = (await server.stub.ListAdapters(pb.ListAdaptersRequest())).rejected
            assert [each.name for each in rejected] == ["falcon"]
            answer = await server.stub.Generate(generate_request(model="zephyr"))
            assert answer.model == "zephyr"


async def test_what_the_server_has_no_route_for_is_rejected(tmp_path: Path) -> None:
    async with started(TextGenerationServerDouble(), tmp_path) as (engine, _):
        with pytest.raises(InvalidRequest, match="takes text only; set prompt or chat"):
            await _generate(engine, TokenIds((1, 2)))


async def test_tools_are_rejected_by_name(tmp_path: Path, adapters_folder: Path) -> None:
    double = TextGenerationServerDouble(adapters=("pirate", "poet"))
    async with double.running():
        engine = TextGenerationServerEngine(double.url, model_path=tmp_path)
        async with running(engine, Setup(adapters=adapters_folder)) as server:
            request = generate_request()
            request.chat.messages.add(role="user", content="Hi")
            request.chat.tools.add(name="now")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await server.stub.Generate(request)
    assert caught.value.details() == (
        "chat.tools = 'set': is not supported by this model's engine, "
        "text-generation-server 2.4.1-dev0; leave it out"
    )


async def test_a_server_that_loads_is_waited_for(tmp_path: Path) -> None:
    double, waits = TextGenerationServerDouble(), 0
    double.healthy = False
    reports: list[str] = []

    async def pause(_seconds: float) -> None:
        nonlocal waits
        waits += 1
        double.healthy = waits > 3
        await asyncio.sleep(0)

    async with double.running():
        engine = TextGenerationServerEngine(
            double.url, model_path=tmp_path, report=reports.append, sleep=pause
        )
        assert (await engine.start()).max_length == 2048
        await engine.stop()
    assert waits == 4
    assert reports == ["waiting for the engine: GET /health of the engine answers 503"]


async def test_a_server_that_goes_away_is_a_failure(tmp_path: Path) -> None:
    double = TextGenerationServerDouble()
    async with double.running():
        engine = TextGenerationServerEngine(double.url, model_path=tmp_path, sleep=_no_pause)
        await engine.start()
    assert await engine.failure() == f"{double.url} does not answer any more"
    with pytest.raises(EngineFailed, match="does not answer"):
        await _generate(engine, max_new_tokens=3)
    await engine.stop()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _other_server(info: Any, answer: Handler | None = None) -> web.Application:
    async def healthy(_request: web.Request) -> web.Response:
        return web.Response()

    async def describe(_request: web.Request) -> web.Response:
        return web.json_response(info)

    async def tokenize(_request: web.Request) -> web.Response:
        return web.json_response([{"id": 97, "text": "a", "start": 0, "stop": 1}])

    application = web.Application()
    application.router.add_get("/health", healthy)
    application.router.add_get("/info", describe)
    application.router.add_post("/tokenize", tokenize)
    if answer:
        application.router.add_post("/generate_stream", answer)
    return application


_INFO = {
    "model_id": "m",
    "max_input_length": 100,
    "max_total_tokens": 128,
    "max_stop_sequences": 4,
    "version": "1.4.5",
    "model_dtype": "torch.float16",
}


@pytest.mark.parametrize("info", [{}, [], "vLLM", _INFO | {"max_total_tokens": "many"}])
async def test_a_server_of_another_make_is_refused(tmp_path: Path, info: Any) -> None:
    async with listening(_other_server(info)) as url:
        engine = TextGenerationServerEngine(url, model_path=tmp_path)
        with pytest.raises(
            ModelLoadFailed, match=r"set KAITO_ENGINE \(.*kaito.sh/runtime\) to openai"
        ):
            await engine.start()
        await engine.stop()


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (422, '{"error": "`stop` supports up to 4", "error_type": "validation"}', InvalidRequest,
         r"options\.stop"),
        (429, '{"error": "Model is overloaded", "error_type": "overloaded"}', Overloaded,
         "the engine is full: Model is overloaded"),
        (424, '{"error": "CUDA", "error_type": "generation"}', GenerationFailed, "CUDA"),
        (200, 'data: {"error": "Model is overloaded", "error_type": "overloaded"}\n\n', Overloaded,
         "the engine is full"),
        (200, "data: {\n\n", GenerationFailed, "is no JSON"),
        (200, "", GenerationFailed, "ended in the middle of the answer"),
    ],
)  # fmt: skip
async def test_what_the_server_does_wrong_is_told(
    tmp_path: Path, status: int, body: str, error: type[Exception], says: str
) -> None:
    """Also of version 1.4, which tells neither the prompt's tokens nor renders a conversation."""
    answers = iter((True,))

    async def answer(_request: web.Request) -> web.Response:
        # The test token at the start is answered right.
        if next(answers, False):
            token = '{"id": 97, "text": "a", "logprob": -1, "special": false}'
            details = '{"finish_reason": "length", "generated_tokens": 1}'
            rest = f'"generated_text": "a", "details": {details}}}'
            return web.Response(text=f'data:{{"token": {token}, {rest}\n\n')
        return web.Response(status=status, text=body)

    async with listening(_other_server(_INFO, answer)) as url:
        engine = TextGenerationServerEngine(url, model_path=tmp_path)
        model = await engine.start()
        assert (model.dtype, model.has_chat_template, model.max_length) == ("float16", False, 128)
        with pytest.raises(error, match=says):
            await _generate(engine, max_new_tokens=3)
        await engine.stop()
