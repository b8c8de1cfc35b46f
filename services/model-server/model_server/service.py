"""InferenceService: the contract's calls, served by an engine.

Knows the contract and the engine's interface; knows neither which engine is behind it nor how the
server starts and stops.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn, TypeVar

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.field_violations import FieldViolation, to_trailers
from model_server.errors import InferenceError, InvalidRequest
from model_server.generation_call import GenerationCall
from model_server.messages import (
    parse_prompt,
    to_adapter,
    to_finish_reason,
    to_model,
    to_rejected_adapter,
    to_stream_response,
    to_usage,
)
from model_server.serving_state import ServingState
from model_server.status_codes import STATUS_CODES

logger = logging.getLogger(__name__)
# What the contract says of page_size 0.
_DEFAULT_PAGE_SIZE = 100
_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
# gRPC's own trailer for "call again". Only admission answers UNAVAILABLE, before a request starts:
# the trailer tells this refusal from a connection that was lost after the start.
_NOT_STARTED = (("grpc-retry-pushback-ms", "0"),)
Context = grpc.aio.ServicerContext[Any, Any]
Response = TypeVar("Response")


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """One method per call of the contract."""

    def __init__(self, state: ServingState) -> None:
        self._state = state

    async def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: Context
    ) -> pb.GenerateResponse:
        call = GenerationCall("Generate", request, self._state)
        return await _respond(context, call, lambda: _collect(call))

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        call = GenerationCall("StreamGenerate", request.request, self._state)
        first = True
        try:
            async with aclosing(call.deltas()) as deltas:
                async for delta in deltas:
                    response = to_stream_response(delta)
                    if first:
                        response.request_id, response.model = call.id, call.model
                        first = False
                    yield response
            call.end(grpc.StatusCode.OK)
        except InferenceError as error:
            await _abort(context, call, error)
        except BaseException as error:
            call.end(_status_code(error))
            raise

    async def Tokenize(  # noqa: N802
        self, request: pb.TokenizeRequest, context: Context
    ) -> pb.TokenizeResponse:
        async def tokenize() -> pb.TokenizeResponse:
            served = self._state.require_served()
            served.adapters.resolve(request.model)
            special = request.add_special_tokens or not request.HasField("add_special_tokens")
            tokens = await served.engine.tokenize(parse_prompt(request), special)
            return pb.TokenizeResponse(token_ids=tokens.ids, tokens=tokens.texts)

        return await _respond(context, None, tokenize)

    async def GetModel(  # noqa: N802
        self, request: pb.GetModelRequest, context: Context
    ) -> pb.GetModelResponse:
        async def describe() -> pb.GetModelResponse:
            return pb.GetModelResponse(
                model=to_model(self._state.name, self._state.require_served())
            )

        return await _respond(context, None, describe)

    async def ListAdapters(  # noqa: N802
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        async def list_page() -> pb.ListAdaptersResponse:
            registry = self._state.require_served().adapters
            adapters = registry.loaded()
            size = request.page_size or _DEFAULT_PAGE_SIZE
            # A page token is the last name of the page before: it stays valid when adapters are
            # loaded or unloaded between two pages.
            rest = [each for each in adapters if each.source.name > request.page_token]
            next_token = rest[size - 1].source.name if len(rest) > size else ""
            return pb.ListAdaptersResponse(
                adapters=[to_adapter(adapter) for adapter in rest[:size]],
                next_page_token=next_token,
                rejected=[]
                if request.page_token
                else [to_rejected_adapter(each) for each in registry.rejected()],
            )

        return await _respond(context, None, list_page)

    async def LoadAdapter(  # noqa: N802
        self, request: pb.LoadAdapterRequest, context: Context
    ) -> pb.LoadAdapterResponse:
        async def load() -> pb.LoadAdapterResponse:
            adapters = self._state.require_served().adapters
            strength = request.strength if request.HasField("strength") else 1.0
            adapter = await adapters.load(request.name, request.path, strength)
            logger.info("adapter loaded", extra={"adapter": request.name})
            return pb.LoadAdapterResponse(adapter=to_adapter(adapter))

        return await _respond(context, None, load)

    async def UnloadAdapter(  # noqa: N802
        self, request: pb.UnloadAdapterRequest, context: Context
    ) -> pb.UnloadAdapterResponse:
        async def unload() -> pb.UnloadAdapterResponse:
            await self._state.require_served().adapters.unload(request.name)
            logger.info("adapter unloaded", extra={"adapter": request.name})
            return pb.UnloadAdapterResponse()

        return await _respond(context, None, unload)


async def _collect(call: GenerationCall) -> pb.GenerateResponse:
    """The whole answer, from all deltas of a call."""
    choices: dict[int, pb.Choice] = {}
    texts: dict[int, list[str]] = {}
    usage = pb.Usage()
    async with aclosing(call.deltas()) as deltas:
        async for delta in deltas:
            texts.setdefault(delta.index, []).append(delta.text)
            if delta.finish_reason:
                choices[delta.index] = pb.Choice(
                    index=delta.index,
                    text="".join(texts[delta.index]),
                    finish_reason=to_finish_reason(delta.finish_reason),
                )
            if delta.usage:
                usage = to_usage(delta.usage)
    call.end(grpc.StatusCode.OK)
    return pb.GenerateResponse(
        choices=[choices[index] for index in sorted(choices)],
        usage=usage,
        request_id=call.id,
        model=call.model,
    )


async def _respond(
    context: Context, call: GenerationCall | None, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Do the work; an expected failure becomes its status."""
    try:
        return await work()
    except InferenceError as error:
        await _abort(context, call, error)
    except BaseException as error:
        if call:
            call.end(_status_code(error))
        raise


async def _abort(context: Context, call: GenerationCall | None, error: InferenceError) -> NoReturn:
    code = STATUS_CODES[type(error)]
    if call:
        call.end(code, error.log_message)
    await context.abort(code, error.message, _trailers(code, error))
    raise AssertionError("abort always raises")


def _trailers(code: grpc.StatusCode, error: InferenceError) -> Any:
    if isinstance(error, InvalidRequest):
        return to_trailers(error.message, FieldViolation(error.field, error.problem))
    return _NOT_STARTED if code is _UNAVAILABLE else ()


def _status_code(error: BaseException) -> grpc.StatusCode:
    """INTERNAL, or CANCELLED for a client that left.

    gRPC cancels the call's task, and closes its generator, when the client disconnects or its
    deadline passes; neither is an Exception.
    """
    if isinstance(error, Exception):
        return grpc.StatusCode.INTERNAL
    return grpc.StatusCode.CANCELLED
