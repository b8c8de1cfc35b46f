"""An OpenAI-compatible server over the rules of FakeEngine, as another container of the pod.

It follows the API as its reference documents it, with vLLM's routes for tokens and adapters, and
its messages. A test can take it down and bring it up again.
"""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from model_server.engine import (
    AdapterSource,
    ChatMessage,
    Conversation,
    Delta,
    FinishReason,
    GenerationRequest,
    Prompt,
    TokenIds,
)
from model_server.errors import InferenceError
from model_server.fake import FakeEngine
from model_server.options import GenerationOptions

MODEL_ID = "/models/weights"
_OPTIONS = {
    "max_tokens": "max_new_tokens",
    "min_tokens": "min_new_tokens",
    "n": "num_return_sequences",
    "seed": "seed",
    "top_p": "top_p",
    "top_k": "top_k",
}
_FIELDS = "model messages prompt stream stop temperature tools tool_choice response_format".split()
_JSON_ROUTES = (
    "/v1/chat/completions /v1/completions /v1/responses /tokenize /detokenize "
    "/v1/load_lora_adapter /v1/unload_lora_adapter /v1/rerank"
).split()


@asynccontextmanager
async def listening(application: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The URL of the application on a loopback port."""
    # aiohttp cancels a handler whose client has left only if it is told to.
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class OpenAIDouble:
    """The server. `seen` has the bodies of the requests for answers."""

    def __init__(self, *, has_openapi: bool = True) -> None:
        self.engine = FakeEngine()
        self.seen: list[dict[str, Any]] = []
        self.url = ""
        self._has_openapi = has_openapi
        self._adapters: set[str] = set()

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["OpenAIDouble"]:
        """Listens while the context lasts."""
        async with listening(self._application(), port) as self.url:
            yield self

    def _application(self) -> web.Application:
        application = web.Application()
        get, post = application.router.add_get, application.router.add_post
        get("/v1/models", self._models)
        get("/version", self._version)
        if self._has_openapi:
            get("/openapi.json", self._openapi)
        post("/v1/completions", self._answer)
        post("/v1/chat/completions", self._answer)
        post("/v1/rerank", self._rerank)
        post("/tokenize", self._tokenize)
        post("/detokenize", self._detokenize)
        post("/v1/load_lora_adapter", self._load)
        post("/v1/unload_lora_adapter", self._unload)
        return application

    async def _models(self, _request: web.Request) -> web.Response:
        names = [MODEL_ID, *sorted(self._adapters)]
        data = [{"id": name, "object": "model", "max_model_len": 2048} for name in names]
        return web.json_response({"object": "list", "data": data})

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": "0.33.0"})

    async def _openapi(self, _request: web.Request) -> web.Response:
        properties: dict[str, Any] = {key: {} for key in (*_FIELDS, *_OPTIONS)}
        reference = {"schema": {"$ref": "#/components/schemas/Request"}}
        operation = {"requestBody": {"content": {"application/json": reference}}}
        return web.json_response(
            {
                "paths": {path: {"post": operation} for path in _JSON_ROUTES},
                "components": {"schemas": {"Request": {"properties": properties}}},
            }
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        generation = GenerationRequest(
            prompt=read_prompt(body),
            options=read_options(body),
            adapter=None if body["model"] == MODEL_ID else body["model"],
        )
        is_chat = "messages" in body
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        try:
            async with aclosing(self.engine.generate(generation)) as deltas:
                async for delta in deltas:
                    if not response.prepared:
                        await response.prepare(request)
                    for event in _events(delta, is_chat):
                        await write_event(response, json.dumps(event))
        except InferenceError as error:
            message = {"error": {"message": error.message, "type": "BadRequestError"}}
            if not response.prepared:
                return web.json_response(message, status=400)
            await write_event(response, json.dumps(message))
        await write_event(response, "[DONE]")
        return response

    async def _rerank(self, request: web.Request) -> web.Response:
        """A route that the contract does not have."""
        body = await request.json()
        scores = [{"index": at, "score": len(text)} for at, text in enumerate(body["documents"])]
        answer = {"model": body["model"], "results": scores, "query": dict(request.query)}
        return web.json_response(answer, headers={"x-engine": "double"})

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            # Its rules count no special tokens when they generate, and none here.
            tokens = await self.engine.tokenize(read_prompt(body), add_special_tokens=False)
        except InferenceError as error:
            return web.json_response({"error": {"message": error.message}}, status=400)
        return web.json_response({"tokens": tokens.ids, "token_strs": tokens.texts})

    async def _detokenize(self, request: web.Request) -> web.Response:
        try:
            text = await self.engine.detokenize((await request.json())["tokens"])
        except InferenceError as error:
            return web.json_response({"error": {"message": error.message}}, status=400)
        return web.json_response({"prompt": text})

    async def _load(self, request: web.Request) -> web.Response:
        body = await request.json()
        source = AdapterSource(name=body["lora_name"], path=Path(body["lora_path"]))
        try:
            await self.engine.load_adapter(source)
        except InferenceError as error:
            return web.json_response({"error": {"message": error.message}}, status=400)
        self._adapters.add(source.name)
        return web.Response(text=f"Success: LoRA adapter '{source.name}' added successfully.")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await request.json())["lora_name"]
        await self.engine.unload_adapter(name)
        self._adapters.discard(name)
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")


def read_prompt(body: dict[str, Any]) -> Prompt:
    """The prompt of a request."""
    if messages := body.get("messages"):
        return Conversation(
            messages=tuple(ChatMessage(each["role"], each["content"]) for each in messages)
        )
    prompt = body["prompt"]
    return prompt if isinstance(prompt, str) else TokenIds(tuple(prompt))


def read_options(body: dict[str, Any]) -> GenerationOptions:
    """The options of a request."""
    values = {own: body[name] for name, own in _OPTIONS.items() if name in body}
    # OpenAI's default is to sample; 0 takes the likeliest token.
    sampled = body.get("temperature", 1) != 0 and body.get("top_k") != 1
    return GenerationOptions(**values, do_sample=sampled, stop=tuple(body.get("stop", ())))


def _events(delta: Delta, is_chat: bool) -> list[dict[str, Any]]:
    part = {"delta": {"content": delta.text}} if is_chat else {"text": delta.text}
    reason = delta.finish_reason.value if delta.finish_reason else None
    choice = {"index": delta.index, **part, "finish_reason": reason}
    events: list[dict[str, Any]] = [{"choices": [choice]}]
    if delta.usage:
        usage = {
            "prompt_tokens": delta.usage.prompt_tokens,
            "completion_tokens": delta.usage.completion_tokens,
        }
        events.append({"choices": [], "usage": usage})
    assert reason in (None, *FinishReason)
    return events


async def write_event(response: web.StreamResponse, data: str) -> None:
    """Send an event of a stream."""
    await response.write(f"data: {data}\n\n".encode())
