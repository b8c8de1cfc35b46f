"""The engine over an OpenAI-compatible server: vLLM, SGLang, llama.cpp, NIM, `transformers serve`.

The server is another container of the pod, from its makers' image, bound to loopback. It may start
later than this process, and again at any time.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

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
    SchedulerStats,
    TokenIds,
    Tokens,
)
from model_server.errors import (
    AdapterInvalid,
    EngineFailed,
    InferenceError,
    InvalidRequest,
    ModelLoadFailed,
)
from model_server.openai_server.adapter_config import read_info
from model_server.openai_server.answer_limit import most_tokens, with_limit
from model_server.openai_server.answer_parsing import AnswerParser, DescribeTokens
from model_server.openai_server.capabilities import Capabilities, from_openapi
from model_server.openai_server.client import EngineClient
from model_server.openai_server.model_names import set_model
from model_server.openai_server.request_bodies import CHAT, EngineRequest, build_request
from model_server.options import DEFAULT_NEW_TOKENS, GenerationOptions, resolve

logger = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
# The server counts as gone after this many checks without an answer: its container restarts, and
# readiness must not stay while it loads.
_MAX_FAILED_CHECKS = 3
_TOKENIZE = "POST /tokenize"
_LOAD_ADAPTER = "POST /v1/load_lora_adapter"


@dataclass(frozen=True, slots=True)
class _Started:
    model: str
    context_tokens: int
    capabilities: Capabilities


class OpenAIServerEngine:
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

        `max_context_tokens` is for servers that do not tell how long their context is, and `report`
        gets what is being waited for.
        """
        self._url = url
        self._model = model
        self._client = EngineClient(url)
        self._max_context_tokens = max_context_tokens
        self._report = report
        self._sleep = sleep
        self.version = "openai server"
        self._started: _Started | None = None
        self._running = 0

    async def start(self) -> ModelInfo:
        await self._wait_for_server()
        model, context_tokens = await self._find_model()
        if not context_tokens:
            raise ModelLoadFailed(
                f"{self._url}/v1/models does not tell the length of the context of {model!r}; set "
                "KAITO_MAX_MODEL_LEN"
            )
        capabilities = from_openapi(await self._client.get("/openapi.json"))
        self._started = _Started(model, context_tokens, capabilities)
        self.version = await self._describe_server()
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
        )

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        request = await self._limit_answer(request)
        self._running += 1
        try:
            # A server rejects what is too long before it generates; counting the tokens of every
            # request beforehand would cost each of them a round trip.
            refusal = None
            async with aclosing(self._attempt(request)) as deltas:
                try:
                    first = await anext(deltas)
                except InvalidRequest as error:
                    refusal = error
                else:
                    yield first
                    async for delta in deltas:
                        yield delta
            if refusal is None:
                return
            async with aclosing(self._attempt(await self._shorten(request, refusal))) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            self._running -= 1

    async def _attempt(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        started = self._require_started()
        built = build_request(request, request.adapter or started.model, started.capabilities)
        require_route(started, f"POST {built.path}")
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
        require_route(started, _TOKENIZE)
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
        require_route(started, "POST /detokenize")
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

    def scheduler_stats(self) -> SchedulerStats:
        # The server's own metrics tell more; here they would be one scrape old.
        return SchedulerStats(running=self._running, waiting=0, kv_cache_usage=0.0)

    async def failure(self) -> str:
        failed = 0
        while failed < _MAX_FAILED_CHECKS:
            await self._sleep(_POLL_SECONDS)
            try:
                await self._check_health()
                failed = 0
            except InferenceError:
                failed += 1
        return f"{self._url} does not answer any more"

    async def stop(self) -> None:
        await self._client.close()

    async def _limit_answer(self, request: GenerationRequest) -> GenerationRequest:
        """The request with `max_new_tokens`: the server's own defaults are others.

        Raises:
            InvalidRequest: the prompt alone is as long as `max_length`, or the context.
        """
        options, started = request.options, self._require_started()
        if options.max_new_tokens is not None:
            return request
        if options.max_length is None and (
            _TOKENIZE not in started.capabilities.routes
            or most_tokens(request.prompt) + DEFAULT_NEW_TOKENS <= started.context_tokens
        ):
            return with_limit(request, DEFAULT_NEW_TOKENS)
        return await self._fit(request)

    async def _shorten(
        self, request: GenerationRequest, refusal: InvalidRequest
    ) -> GenerationRequest:
        """The refused request with as many new tokens as the context has left.

        Raises:
            InvalidRequest: the prompt is too long, or the request was refused for another cause.
        """
        started = self._require_started()
        limit = request.options.max_new_tokens or DEFAULT_NEW_TOKENS
        may_fit = most_tokens(request.prompt) + limit <= started.context_tokens
        if may_fit or _TOKENIZE not in started.capabilities.routes:
            raise refusal
        shorter = await self._fit(request)
        if shorter == request:
            raise refusal
        return shorter

    async def _fit(self, request: GenerationRequest) -> GenerationRequest:
        """The request with a limit that its prompt leaves in the context.

        Raises:
            InvalidRequest: not even one new token fits.
        """
        tokens = await self._count_tokens(request.prompt)
        context = self._require_started().context_tokens
        params = resolve(
            request.options, GenerationOptions(), prompt_tokens=tokens, context_tokens=context
        )
        return with_limit(request, params.max_new_tokens)

    async def _count_tokens(self, prompt: Prompt) -> int:
        if isinstance(prompt, TokenIds):
            return len(prompt.ids)
        return len((await self.tokenize(prompt, add_special_tokens=True)).ids)

    async def _wait_for_server(self) -> None:
        """Returns once the server answers.

        Waits without end: the pod's startup probe is the limit, and names the container.
        """
        problem = ""
        while True:
            try:
                return await self._check_health()
            except EngineFailed as error:
                if problem != error.message:
                    problem = error.message
                    self._report(f"waiting for the engine: {problem}")
                await self._sleep(_POLL_SECONDS)

    async def _check_health(self) -> None:
        """Ask the route for it, or else the one that every server has.

        Raises:
            EngineFailed: the server does not answer, or says that it cannot.
        """
        if not await self._client.has("/health"):
            await self._client.get("/v1/models")

    async def _find_model(self) -> tuple[str, int | None]:
        """The server's name of the model, and the length of its context if it tells.

        Raises:
            ModelLoadFailed: it lists no model, and the settings name none.
        """
        try:
            listed = (await self._client.get("/v1/models"))["data"]
            entries = {str(entry["id"]): entry for entry in listed}
        except (EngineFailed, AttributeError, KeyError, TypeError):
            # Some list what they could load, or nothing.
            entries = {}
        model = self._model or next(iter(entries), "")
        if not model:
            raise ModelLoadFailed(
                f"{self._url}/v1/models lists no model; set KAITO_ENGINE_MODEL, if it is an "
                "OpenAI-compatible server"
            )
        context_tokens = entries.get(model, {}).get("max_model_len") or self._max_context_tokens
        return model, int(context_tokens) if context_tokens else None

    async def _describe_server(self) -> str:
        try:
            version = await self._client.get("/version")
        except EngineFailed:
            version = None
        if isinstance(version, dict) and version.get("version"):
            return f"vllm {version['version']}"
        return "openai server"

    async def _generate_test_token(self) -> None:
        """Generate one token: a model that does not run must not become ready.

        Raises:
            ModelLoadFailed: it does not run.
        """
        request = GenerationRequest(prompt="a", options=GenerationOptions(max_new_tokens=1))
        try:
            await self._drain(request)
        except InferenceError as error:
            raise ModelLoadFailed(f"the model does not run: {error.message}") from error

    async def _drain(self, request: GenerationRequest) -> None:
        async with aclosing(self.generate(request)) as deltas:
            async for _ in deltas:
                pass

    def _require_started(self) -> _Started:
        if self._started is None:
            raise EngineFailed("the engine's server has not answered yet")
        return self._started


def require_route(started: _Started, route: str) -> None:
    """Check that the server has a route.

    Raises:
        InvalidRequest: it has not.
    """
    if route not in started.capabilities.routes:
        raise InvalidRequest(
            "model", started.model, f"its engine has no {route}; ask an engine that has"
        )
