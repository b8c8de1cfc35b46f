"""The engine over an OpenAI-compatible server: vLLM, SGLang, llama.cpp, NIM, `transformers serve`.

The server is another container of the pod, from its makers' image, bound to loopback.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from model_server.adapters.adapter_config import read_info
from model_server.engine import (
    AdapterInfo,
    AdapterSource,
    Conversation,
    Delta,
    GenerationRequest,
    HttpRequest,
    HttpResponseHead,
    ModelInfo,
    Prompt,
    Tokens,
)
from model_server.engine_server.answer_limit import AnswerLimiter
from model_server.engine_server.client import EngineClient
from model_server.engine_server.engine import ServerEngine
from model_server.errors import AdapterInvalid, EngineFailed, InvalidRequest
from model_server.openai_server import rejections
from model_server.openai_server.answer_parsing import AnswerParser, DescribeTokens
from model_server.openai_server.capabilities import from_openapi
from model_server.openai_server.listing import describe_server, find_model
from model_server.openai_server.model_names import set_model
from model_server.openai_server.request_bodies import CHAT, EngineRequest, build_request
from model_server.openai_server.started import StartedServer
from model_server.options import GenerationOptions

logger = logging.getLogger(__name__)
_TOKENIZE = "POST /tokenize"
_LOAD_ADAPTER = "POST /v1/load_lora_adapter"


class OpenAIServerEngine(ServerEngine):
    """Implements `model_server.engine.Engine` and `RelayingEngine`."""

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        max_context_tokens: int | None,
        report: Callable[[str], None] = logger.info,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`model` is the server's name of the model; empty takes the first that it lists.

        `max_context_tokens` is for servers that do not tell how long their context is.
        """
        super().__init__(EngineClient(url, rejections.of_response), report=report, sleep=sleep)
        self._model = model
        self._max_context_tokens = max_context_tokens
        self.version = "openai server"
        self._started: StartedServer | None = None

    async def start(self) -> ModelInfo:
        await self._wait_for_server()
        model, context_tokens = await find_model(
            self._client, self._model, self._max_context_tokens
        )
        capabilities = from_openapi(await self._client.get("/openapi.json"))
        self._started = StartedServer(model, context_tokens, capabilities)
        self.version = await describe_server(self._client)
        await self._generate_test_token()
        return ModelInfo(
            max_length=context_tokens,
            has_chat_template=f"POST {CHAT}" in capabilities.routes,
            architecture="",
            dtype="",
            engine=self.version,
            device="",
            features=capabilities.features,
            http_routes=capabilities.http_routes,
            model_id=model,
        )

    async def _attempt(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        started = self._require_started()
        built = build_request(request, request.adapter or started.model, started.capabilities)
        started.require_route(f"POST {built.path}")
        # What vLLM says of a grammar names no field; what it says of other fields does.
        field = "structured_output" if request.structured_output else "input"
        choices = request.options.num_return_sequences or 1
        parser = AnswerParser(choices, self._token_reader(request.options), field=field)
        async with aclosing(self._events(built, field)) as events:
            async for event in events:
                for delta in parser.parse(event):
                    yield delta
        yield parser.end()

    async def _events(self, built: EngineRequest, field: str) -> AsyncGenerator[Any, None]:
        """The events of a streamed answer, or the whole answer as the only one."""
        if not built.is_streamed:
            yield await self._client.post(built.path, built.body, field=field)
            return
        async with aclosing(self._client.stream(built.path, built.body, field=field)) as events:
            async for event in events:
                yield event

    def _token_reader(self, _options: GenerationOptions) -> DescribeTokens | None:
        """What reads the server's descriptions of tokens, if it gives any."""
        return None

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        started = self._require_started()
        started.require_route(_TOKENIZE)
        if isinstance(prompt, Conversation):
            options = GenerationOptions(max_new_tokens=1)
            request = GenerationRequest(prompt=prompt, options=options)
            chat = build_request(request, started.model, started.capabilities).body
            body = {name: value for name, value in chat.items() if name in ("messages", "tools")}
        else:
            body = {"prompt": prompt, "add_special_tokens": add_special_tokens}
        body |= {"model": started.model, "return_token_strs": True}
        answer = await self._client.post("/tokenize", body, field="input")
        ids = tuple(answer["tokens"])
        return Tokens(ids, tuple(answer.get("token_strs") or map(str, ids)))

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        started = self._require_started()
        started.require_route("POST /detokenize")
        body = {"model": started.model, "tokens": list(token_ids)}
        answer = await self._client.post("/detokenize", body, field="token_ids")
        return str(answer["prompt"])

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        started = self._require_started()
        if _LOAD_ADAPTER not in started.capabilities.routes:
            raise AdapterInvalid(
                f"adapter {source.name!r}: this model's engine loads no adapters while it runs"
            )
        if source.strength != 1:
            raise AdapterInvalid(
                f"adapter {source.name!r}: this model's engine applies adapters as a whole; set "
                f"the strength to 1 in place of {source.strength:g}"
            )
        info = read_info(source)
        body = {"lora_name": source.name, "lora_path": str(source.path)}
        try:
            await self._client.post("/v1/load_lora_adapter", body, field="path")
        except InvalidRequest as error:
            raise AdapterInvalid(f"adapter {source.name!r}: {error.problem}") from error
        return info

    async def unload_adapter(self, name: str) -> None:
        body = {"lora_name": name}
        await self._client.post("/v1/unload_lora_adapter", body, field="name")

    async def relay(self, request: HttpRequest) -> AsyncGenerator[HttpResponseHead | bytes, None]:
        started = self._require_started()
        method, _, path = request.route.partition(" ")
        content_type = next(
            (value for name, value in request.headers if name == "content-type"), ""
        )
        body = set_model(request.body, content_type, request.adapter or started.model)
        url = f"{path}?{request.query}" if request.query else path
        self._running += 1
        try:
            exchange = self._client.exchange(method, url, list(request.headers), body)
            async with exchange as response:
                yield HttpResponseHead(response.status, tuple(response.headers.items()))
                async for part in response.content.iter_any():
                    yield part
        finally:
            self._running -= 1

    async def _check_health(self) -> None:
        """Ask the route for it, or else the one that every server has."""
        if not await self._client.has("/health"):
            await self._client.get("/v1/models")

    def _limiter(self) -> AnswerLimiter:
        started = self._require_started()
        counts = _TOKENIZE in started.capabilities.routes
        return AnswerLimiter(started.context_tokens, self._count_tokens if counts else None)

    async def _count_tokens(self, prompt: Prompt) -> int:
        return len((await self.tokenize(prompt, add_special_tokens=True)).ids)

    def _require_started(self) -> StartedServer:
        if self._started is None:
            raise EngineFailed("the engine's server has not answered yet")
        return self._started
