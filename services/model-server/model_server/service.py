"""InferenceService: the contract's calls, carried out on an engine.

Knows the contract and the seam; not which engine is behind it, nor how the server lives and dies.
"""

import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from model_server.adapters import Adapter, Adapters
from model_server.engine import Engine, Job, Model, Piece
from model_server.errors import EngineFailed, InferenceError
from model_server.metrics import Metrics
from model_server.requests import read_options, read_prompt, write_finish, write_usage
from model_server.status import STATUS
from model_server.traffic import Traffic

logger = logging.getLogger(__name__)
_DEFAULT_PAGE = 100
Context = grpc.aio.ServicerContext[Any, Any]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What there is once the model is loaded; `at` in seconds since 1970."""

    engine: Engine
    adapters: Adapters
    model: Model
    at: int


@dataclass(slots=True, kw_only=True)
class Serving:
    """What the service answers with. The server sets `loaded` before it lets traffic in."""

    name: str
    traffic: Traffic
    metrics: Metrics
    loaded: Loaded | None = None

    def ready(self) -> Loaded:
        """What is loaded. Raises Unavailable while loading and while draining."""
        self.traffic.check()
        if self.loaded is None:
            raise EngineFailed("traffic was let in before the model was loaded")
        return self.loaded


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """One call, one method."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: Context
    ) -> pb.GenerateResponse:
        call = _Call("Generate", request, self._serving)
        return await _answer(context, call, lambda: self._generate(call))

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        call = _Call("StreamGenerate", request.request, self._serving)
        first = True
        try:
            async with aclosing(call.pieces()) as pieces:
                async for piece in pieces:
                    yield _write_piece(piece, call if first else None)
                    first = False
            call.end(grpc.StatusCode.OK)
        except InferenceError as error:
            await _abort(context, call, error)
        except BaseException as error:
            call.end(_status_of(error))
            raise

    async def Tokenize(  # noqa: N802
        self, request: pb.TokenizeRequest, context: Context
    ) -> pb.TokenizeResponse:
        async def tokenize() -> pb.TokenizeResponse:
            loaded = self._serving.ready()
            loaded.adapters.choose(request.model)
            special = request.add_special_tokens or not request.HasField("add_special_tokens")
            tokens = await loaded.engine.tokenize(read_prompt(request), special)
            return pb.TokenizeResponse(token_ids=tokens.ids, tokens=tokens.texts)

        return await _answer(context, None, tokenize)

    async def GetModel(  # noqa: N802
        self, request: pb.GetModelRequest, context: Context
    ) -> pb.GetModelResponse:
        async def describe() -> pb.GetModelResponse:
            return pb.GetModelResponse(
                model=_write_model(self._serving.name, self._serving.ready())
            )

        return await _answer(context, None, describe)

    async def ListAdapters(  # noqa: N802
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        async def page() -> pb.ListAdaptersResponse:
            adapters = self._serving.ready().adapters.all()
            size = request.page_size or _DEFAULT_PAGE
            rest = [each for each in adapters if each.source.name > request.page_token]
            more = rest[size - 1].source.name if len(rest) > size else ""
            return pb.ListAdaptersResponse(
                adapters=[_write_adapter(adapter) for adapter in rest[:size]],
                next_page_token=more,
            )

        return await _answer(context, None, page)

    async def LoadAdapter(  # noqa: N802
        self, request: pb.LoadAdapterRequest, context: Context
    ) -> pb.LoadAdapterResponse:
        async def load() -> pb.LoadAdapterResponse:
            adapters = self._serving.ready().adapters
            strength = request.strength if request.HasField("strength") else 1.0
            adapter = await adapters.load(request.name, request.path, strength)
            logger.info("adapter loaded", extra={"adapter": request.name})
            return pb.LoadAdapterResponse(adapter=_write_adapter(adapter))

        return await _answer(context, None, load)

    async def UnloadAdapter(  # noqa: N802
        self, request: pb.UnloadAdapterRequest, context: Context
    ) -> pb.UnloadAdapterResponse:
        async def unload() -> pb.UnloadAdapterResponse:
            await self._serving.ready().adapters.unload(request.name)
            logger.info("adapter unloaded", extra={"adapter": request.name})
            return pb.UnloadAdapterResponse()

        return await _answer(context, None, unload)

    async def _generate(self, call: "_Call") -> pb.GenerateResponse:
        choices: dict[int, pb.Choice] = {}
        texts: dict[int, list[str]] = {}
        usage = pb.Usage()
        async with aclosing(call.pieces()) as pieces:
            async for piece in pieces:
                texts.setdefault(piece.index, []).append(piece.text)
                if piece.finish:
                    choices[piece.index] = pb.Choice(
                        index=piece.index,
                        text="".join(texts[piece.index]),
                        finish_reason=write_finish(piece.finish),
                    )
                if piece.usage:
                    usage = write_usage(piece.usage)
        call.end(grpc.StatusCode.OK)
        return pb.GenerateResponse(
            choices=[choices[index] for index in sorted(choices)],
            usage=usage,
            request_id=call.id,
            model=call.model,
        )


class _Call:
    """One generation: admitted, measured, logged."""

    def __init__(self, method: str, request: pb.GenerateRequest, serving: Serving) -> None:
        self._method = method
        self._request = request
        self._serving = serving
        self._began = time.monotonic()
        self.id = request.request_id or uuid.uuid4().hex
        self.model = "unknown"
        self._seen: dict[str, object] = {}

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The engine's pieces. Raises InferenceError."""
        serving, request = self._serving, self._request
        options = read_options(request.options)
        with serving.traffic.enter(options.num_return_sequences or 1):
            loaded = serving.ready()
            adapter = loaded.adapters.choose(request.model)
            self.model = adapter or serving.name
            job = Job(prompt=read_prompt(request), options=options, adapter=adapter)
            async with (
                loaded.adapters.use(adapter),
                aclosing(loaded.engine.generate(job)) as pieces,
            ):
                async for piece in self._measured(pieces):
                    yield piece

    async def _measured(self, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
        metrics = self._serving.metrics
        last: dict[int, float] = {}
        async for piece in pieces:
            now = time.monotonic()
            if not last:
                metrics.first_token.labels(self.model).observe(now - self._began)
                self._seen["first_token_seconds"] = round(now - self._began, 4)
            if piece.index in last:
                metrics.token_gap.labels(self.model).observe(now - last[piece.index])
            last[piece.index] = now
            metrics.completion_tokens.labels(self.model).inc(piece.tokens)
            if usage := piece.usage:
                metrics.prompt_tokens.labels(self.model).inc(usage.prompt_tokens)
                metrics.queued.labels(self.model).observe(usage.queued_seconds)
                self._seen["prompt_tokens"] = usage.prompt_tokens
                self._seen["completion_tokens"] = usage.completion_tokens
            yield piece

    def end(self, code: grpc.StatusCode, message: str = "") -> None:
        """Count and log how the call ended."""
        seconds = time.monotonic() - self._began
        metrics = self._serving.metrics
        metrics.requests.labels(self._method, self.model, code.name).inc()
        metrics.duration.labels(self.model).observe(seconds)
        fields = {
            "method": self._method,
            "request_id": self.id,
            "model": self.model,
            "code": code.name,
            "seconds": round(seconds, 4),
            **self._seen,
        }
        logger.info(message or "request ended", extra=fields)


async def _answer(
    context: Context, call: _Call | None, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Do the work; turn expected trouble into its status."""
    try:
        return await work()
    except InferenceError as error:
        await _abort(context, call, error)
    except BaseException as error:
        if call:
            call.end(_status_of(error))
        raise


async def _abort(context: Context, call: _Call | None, error: InferenceError) -> NoReturn:
    code = STATUS[type(error)]
    if call:
        call.end(code, error.message)
    await context.abort(code, error.message)
    raise AssertionError("abort always raises")


def _status_of(error: BaseException) -> grpc.StatusCode:
    """gRPC cancels the call's task, and closes its generator, when the client left or was late."""
    if isinstance(error, Exception):
        return grpc.StatusCode.INTERNAL
    return grpc.StatusCode.CANCELLED


def _write_piece(piece: Piece, call: _Call | None) -> pb.StreamGenerateResponse:
    return pb.StreamGenerateResponse(
        index=piece.index,
        text=piece.text,
        finish_reason=write_finish(piece.finish),
        usage=write_usage(piece.usage) if piece.usage else None,
        request_id=call.id if call else "",
        model=call.model if call else "",
    )


def _write_model(name: str, loaded: Loaded) -> pb.Model:
    model = loaded.model
    return pb.Model(
        name=name,
        default_model=loaded.adapters.default_model,
        max_length=model.max_length,
        has_chat_template=model.has_chat_template,
        architecture=model.architecture,
        dtype=model.dtype,
        engine=model.engine,
        device=model.device,
        loaded_unix_seconds=loaded.at,
    )


def _write_adapter(adapter: Adapter) -> pb.Adapter:
    return pb.Adapter(
        name=adapter.source.name,
        path=str(adapter.source.path),
        strength=adapter.source.strength,
        rank=adapter.facts.rank,
        base_model=adapter.facts.base_model,
    )
