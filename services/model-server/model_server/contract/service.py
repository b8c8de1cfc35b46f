"""InferenceService: the contract's calls, served by an engine.

Knows the contract and the engine's interface; knows neither which engine is behind it nor how the
server starts and stops.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from model_server.calls.answer import collect
from model_server.calls.embedding_call import EmbeddingCall
from model_server.calls.generation_call import GenerationCall
from model_server.calls.relay_call import RelayCall, first_head
from model_server.contract.features import reject_unanswered
from model_server.contract.request_messages import parse_prompt
from model_server.contract.response_messages import (
    to_adapter,
    to_model,
    to_rejected_adapter,
    to_stream_response,
)
from model_server.contract.responses import Context, respond, respond_stream
from model_server.contract.serving_state import ServingState

# What the contract says of page_size 0.
_DEFAULT_PAGE_SIZE = 100
_MOVED = (
    "adapters are loaded and unloaded by AdapterAdministrationService, on a port of its own and "
    "with a token"
)


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """One method per call of the contract."""

    def __init__(self, state: ServingState) -> None:
        self._state = state

    async def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: Context
    ) -> pb.GenerateResponse:
        call = GenerationCall("Generate", request, self._state)
        return await respond(context, call, lambda: collect(call))

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        call = GenerationCall("StreamGenerate", request.request, self._state)
        async for response in respond_stream(context, call, _responses(call)):
            yield response

    async def Tokenize(  # noqa: N802
        self, request: pb.TokenizeRequest, context: Context
    ) -> pb.TokenizeResponse:
        async def tokenize() -> pb.TokenizeResponse:
            served = self._state.require_served()
            served.adapters.resolve(request.model)
            reject_unanswered(request, served.model.features, served.model.engine)
            special = request.add_special_tokens or not request.HasField("add_special_tokens")
            tokens = await served.engine.tokenize(parse_prompt(request), special)
            return pb.TokenizeResponse(token_ids=tokens.ids, tokens=tokens.texts)

        return await respond(context, None, tokenize)

    async def Detokenize(  # noqa: N802
        self, request: pb.DetokenizeRequest, context: Context
    ) -> pb.DetokenizeResponse:
        async def detokenize() -> pb.DetokenizeResponse:
            served = self._state.require_served()
            served.adapters.resolve(request.model)
            return pb.DetokenizeResponse(text=await served.engine.detokenize(request.token_ids))

        return await respond(context, None, detokenize)

    async def RelayHttp(  # noqa: N802
        self, requests: AsyncIterator[pb.RelayHttpRequest], context: Context
    ) -> AsyncIterator[pb.RelayHttpResponse]:
        call = RelayCall(await first_head(requests), self._state)
        async for response in respond_stream(context, call, call.parts(requests)):
            yield response

    async def Embed(  # noqa: N802
        self, request: pb.EmbedRequest, context: Context
    ) -> pb.EmbedResponse:
        call = EmbeddingCall(request, self._state)
        return await respond(context, call, call.run)

    async def GetModel(  # noqa: N802
        self, request: pb.GetModelRequest, context: Context
    ) -> pb.GetModelResponse:
        async def describe() -> pb.GetModelResponse:
            return pb.GetModelResponse(
                model=to_model(
                    self._state.name, self._state.require_served(), self._state.pod_address
                )
            )

        return await respond(context, None, describe)

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

        return await respond(context, None, list_page)

    async def LoadAdapter(  # noqa: N802
        self, request: pb.LoadAdapterRequest, context: Context
    ) -> pb.LoadAdapterResponse:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, _MOVED)
        raise AssertionError("abort always raises")

    async def UnloadAdapter(  # noqa: N802
        self, request: pb.UnloadAdapterRequest, context: Context
    ) -> pb.UnloadAdapterResponse:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, _MOVED)
        raise AssertionError("abort always raises")


async def _responses(call: GenerationCall) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
    first = True
    async with aclosing(call.deltas()) as deltas:
        async for delta in deltas:
            response = to_stream_response(delta)
            if first:
                response.request_id, response.model = call.id, call.model
                first = False
            yield response
