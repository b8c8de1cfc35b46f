"""A model-server over grpc.aio: a few connections, used in turn.

The only module that translates grpc's exceptions into BackendError. Knows no HTTP and no routing.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health_pb2

from inference_gateway.backends.backend import BackendError, Health, TokenRequest, TokenResponse
from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc
from kaito_grpc.channels import open_channel
from kaito_grpc.field_violations import from_error

_READY = grpc.ChannelConnectivity.READY
SERVICE = "kaito.inference.v1.InferenceService"
_ADAPTERS_PER_PAGE = 100
# Bounds the loop if a model-server never sends its last page.
_MAX_ADAPTER_PAGES = 100
# Far more than a connection inside a cluster takes, and short enough to try the next model-server.
_CONNECT_TIMEOUT_SECONDS = 5.0
# gRPC's own trailer for "call again": a model-server sends it when it did not start the request.
# gRPC's own limit of a message is 4 MiB.
_RELAY_CHUNK_BYTES = 2**20
_RETRY_TRAILER = "grpc-retry-pushback-ms"


class GrpcBackend:
    """Implements `Backend` for the model-server at `address` (host:port)."""

    def __init__(self, address: str, connections: int = 2) -> None:
        self._address = address
        self._channels = [open_channel(address) for _ in range(connections)]
        # One HTTP/2 connection per channel: their number limits how many streams share one.
        stubs = [rpc.InferenceServiceStub(channel) for channel in self._channels]
        self._stubs: Iterator[rpc.InferenceServiceStub] = itertools.cycle(stubs)
        self._connections = itertools.cycle(zip(self._channels, stubs, strict=True))
        self._check = self._channels[0].unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        stub = await self._connected_stub()
        with _translated_errors():
            response: pb.GenerateResponse = await stub.Generate(request, timeout=timeout_seconds)
        return response

    async def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        stub = await self._connected_stub()
        with _translated_errors():
            call = stub.StreamGenerate(
                pb.StreamGenerateRequest(request=request), timeout=timeout_seconds
            )
            try:
                while (message := await call.read()) is not grpc.aio.EOF:
                    yield message
            finally:
                # An open call would keep generating after the reader is gone.
                call.cancel()

    async def relay(
        self, head: pb.HttpRequestHead, body: bytes, timeout_seconds: float
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        stub = await self._connected_stub()
        with _translated_errors():
            call = stub.RelayHttp(_relay_messages(head, body), timeout=timeout_seconds)
            try:
                while (message := await call.read()) is not grpc.aio.EOF:
                    yield message
            finally:
                call.cancel()

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        stub = await self._connected_stub()
        calls = {
            pb.TokenizeRequest: stub.Tokenize,
            pb.DetokenizeRequest: stub.Detokenize,
            pb.EmbedRequest: stub.Embed,
        }
        with _translated_errors():
            response: TokenResponse = await calls[type(request)](request, timeout=timeout_seconds)
        return response

    async def _connected_stub(self) -> rpc.InferenceServiceStub:
        """A stub whose channel is connected.

        gRPC reports a connection that failed and one that was lost during the call alike. Only the
        first is sure not to have started the call, so it is distinguished here, before the call.

        Raises:
            BackendError: UNAVAILABLE, there is no connection.
        """
        channel, stub = next(self._connections)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                while (state := channel.get_state(try_to_connect=True)) is not _READY:
                    if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                        raise self._no_connection("failed to connect")
                    await channel.wait_for_state_change(state)
        except TimeoutError:
            raise self._no_connection("no connection in time") from None
        except grpc.aio.UsageError as error:
            # The channel is closed: its endpoint is being removed from the pool.
            raise self._no_connection(str(error)) from None
        return stub

    def _no_connection(self, reason: str) -> BackendError:
        return BackendError(
            grpc.StatusCode.UNAVAILABLE, f"{self._address}: {reason}", may_have_started=False
        )

    async def model(self, timeout_seconds: float) -> pb.Model:
        with _translated_errors():
            response: pb.GetModelResponse = await next(self._stubs).GetModel(
                pb.GetModelRequest(), timeout=timeout_seconds
            )
        return response.model

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        found: list[pb.Adapter] = []
        page = pb.ListAdaptersRequest(page_size=_ADAPTERS_PER_PAGE)
        with _translated_errors():
            for _ in range(_MAX_ADAPTER_PAGES):
                response: pb.ListAdaptersResponse = await next(self._stubs).ListAdapters(
                    page, timeout=timeout_seconds
                )
                found += response.adapters
                page.page_token = response.next_page_token
                if not page.page_token:
                    break
        return tuple(found)

    async def health(self, timeout_seconds: float) -> Health:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        try:
            with _translated_errors():
                response = await self._check(request, timeout=timeout_seconds)
        except BackendError as error:
            return Health(serving=False, detail=str(error))
        status = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
        return Health(serving=status == "SERVING", detail=f"the model-server reports {status}")

    async def close(self, grace_seconds: float) -> None:
        await asyncio.gather(*(channel.close(grace_seconds) for channel in self._channels))


def _relay_messages(head: pb.HttpRequestHead, body: bytes) -> Iterator[pb.RelayHttpRequest]:
    yield pb.RelayHttpRequest(head=head)
    for start in range(0, len(body), _RELAY_CHUNK_BYTES):
        yield pb.RelayHttpRequest(body=body[start : start + _RELAY_CHUNK_BYTES])


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        violation = from_error(error)
        # Without the trailer, the connection may have been lost after the model-server started.
        raise BackendError(
            error.code(),
            error.details() or error.code().name,
            may_have_started=all(key != _RETRY_TRAILER for key, _ in error.trailing_metadata()),
            field=violation.field if violation else "",
        ) from None
    except (grpc.aio.UsageError, grpc.aio.InternalError) as error:
        # The channel was closed during the call: its endpoint is being removed from the pool.
        raise BackendError(grpc.StatusCode.UNAVAILABLE, str(error)) from None
