"""A model-server over gRPC: one connection, or a few that are used in turn.

The only module that translates errors of calls into BackendError. Knows no HTTP and no routing.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2

from inference_gateway.backends.backend import BackendError, Health, TokenRequest, TokenResponse
from inference_gateway.backends.http2.channel import Channel
from inference_gateway.backends.http2.status import CallError
from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_details
from kaito_grpc.message_size import MAX_CHANNEL_BYTES

SERVICE = pb.DESCRIPTOR.services_by_name["InferenceService"].full_name
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_ADAPTERS_PER_PAGE = 100
# Bounds the loop if a model-server never sends its last page.
_MAX_ADAPTER_PAGES = 100
# gRPC's own limit of a message is 4 MiB.
_RELAY_CHUNK_BYTES = 2**20
_Response = TypeVar("_Response", bound=Message)


class GrpcBackend:
    """Implements `Backend` for the model-server at `address` (host:port).

    The address may be a Service's. A connection stays with the pod that it was made to, even while
    that pod is replaced and a new one is ready, so a model-server that says that it is not serving
    gets no more calls: those to come go through new connections.
    """

    def __init__(self, address: str, connections: int = 1) -> None:
        self._channels = [Channel(address, MAX_CHANNEL_BYTES) for _ in range(connections)]
        self._next_channel = itertools.cycle(self._channels).__next__

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        return await self._ask(_GENERATE, request, pb.GenerateResponse.FromString, timeout_seconds)

    def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        requests = [pb.StreamGenerateRequest(request=request)]
        parse = pb.StreamGenerateResponse.FromString
        return self._follow(_STREAM_GENERATE, requests, parse, timeout_seconds)

    def relay(
        self, head: pb.HttpRequestHead, body: bytes, timeout_seconds: float
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        requests = _relay_messages(head, body)
        parse = pb.RelayHttpResponse.FromString
        return self._follow(_RELAY_HTTP, requests, parse, timeout_seconds)

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        method, parse = _CONVERSIONS[type(request)]
        return await self._ask(method, request, parse, timeout_seconds)

    async def model(self, timeout_seconds: float) -> pb.Model:
        parse = pb.GetModelResponse.FromString
        response = await self._ask(_GET_MODEL, pb.GetModelRequest(), parse, timeout_seconds)
        return response.model

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        found: list[pb.Adapter] = []
        page = pb.ListAdaptersRequest(page_size=_ADAPTERS_PER_PAGE)
        for _ in range(_MAX_ADAPTER_PAGES):
            response = await self._ask(
                _LIST_ADAPTERS, page, pb.ListAdaptersResponse.FromString, timeout_seconds
            )
            found += response.adapters
            page.page_token = response.next_page_token
            if not page.page_token:
                break
        return tuple(found)

    async def health(self, timeout_seconds: float) -> Health:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        parse = health_pb2.HealthCheckResponse.FromString
        try:
            response = await self._ask(_HEALTH_CHECK, request, parse, timeout_seconds)
        except BackendError as error:
            is_late = error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            return Health(serving=False, detail=str(error), timed_out=is_late)
        status = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
        if status != "SERVING":
            for channel in self._channels:
                channel.renew()
        return Health(serving=status == "SERVING", detail=f"the model-server reports {status}")

    async def close(self, grace_seconds: float) -> None:
        await asyncio.gather(*(channel.close(grace_seconds) for channel in self._channels))

    async def _ask(
        self,
        method: str,
        request: Message,
        parse: Callable[[bytes], _Response],
        timeout_seconds: float,
    ) -> _Response:
        """The only response to one request.

        Raises:
            BackendError: the call failed.
        """
        try:
            sent = (request.SerializeToString(),)
            call = await self._next_channel().start(method, sent, timeout_seconds)
            try:
                return parse(await call.read_single())
            finally:
                # An open call would keep generating after the reader is gone.
                call.cancel()
        except CallError as error:
            raise _translated(error) from None
        except DecodeError:
            raise _undecodable(method) from None

    async def _follow(
        self,
        method: str,
        requests: Iterable[Message],
        parse: Callable[[bytes], _Response],
        timeout_seconds: float,
    ) -> AsyncGenerator[_Response, None]:
        """The responses as they come. Closing the generator cancels the call.

        Raises:
            BackendError: the call failed.
        """
        try:
            sent = (request.SerializeToString() for request in requests)
            call = await self._next_channel().start(method, sent, timeout_seconds)
            try:
                while messages := await call.read():
                    for message in messages:
                        yield parse(message)
            finally:
                call.cancel()
        except CallError as error:
            raise _translated(error) from None
        except DecodeError:
            raise _undecodable(method) from None


def _path(method: str) -> str:
    return f"/{SERVICE}/{method}"


_GENERATE = _path("Generate")
_STREAM_GENERATE = _path("StreamGenerate")
_RELAY_HTTP = _path("RelayHttp")
_GET_MODEL = _path("GetModel")
_LIST_ADAPTERS = _path("ListAdapters")
_CONVERSIONS: Mapping[type[TokenRequest], tuple[str, Callable[[bytes], TokenResponse]]] = {
    pb.TokenizeRequest: (_path("Tokenize"), pb.TokenizeResponse.FromString),
    pb.DetokenizeRequest: (_path("Detokenize"), pb.DetokenizeResponse.FromString),
    pb.EmbedRequest: (_path("Embed"), pb.EmbedResponse.FromString),
}


def _relay_messages(head: pb.HttpRequestHead, body: bytes) -> Iterator[pb.RelayHttpRequest]:
    yield pb.RelayHttpRequest(head=head)
    for start in range(0, len(body), _RELAY_CHUNK_BYTES):
        yield pb.RelayHttpRequest(body=body[start : start + _RELAY_CHUNK_BYTES])


def _translated(error: CallError) -> BackendError:
    violation = from_details(error.details) if error.details else None
    return BackendError(
        error.code,
        error.message,
        may_have_started=error.may_have_started,
        field=violation.field if violation else "",
    )


def _undecodable(method: str) -> BackendError:
    return BackendError(
        grpc.StatusCode.INTERNAL, f"the model-server's answer to {method} cannot be decoded"
    )
