"""A model-server over grpc.aio: a few connections, used in turn.

The only module that translates grpc's exceptions into BackendError. Knows no HTTP and no routing.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health_pb2

from inference_gateway.backends.backend import BackendError, Health
from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc

SERVICE = "kaito.inference.v1.InferenceService"
_ADAPTERS_PER_PAGE = 100
# Bounds the loop if a model-server never sends its last page.
_MAX_ADAPTER_PAGES = 100
# Twice what a model-server accepts, whose limit therefore applies first.
_MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # A pod of the cluster is never behind the proxy that HTTP_PROXY names.
    ("grpc.enable_http_proxy", 0),
    # Without this, channels to the same target share one connection.
    ("grpc.use_local_subchannel_pool", 1),
    # Reconnects within two seconds of a model-server's restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


class GrpcBackend:
    """Implements `Backend` for the model-server at `address` (host:port)."""

    def __init__(self, address: str, connections: int = 2) -> None:
        self._channels = [
            grpc.aio.insecure_channel(address, options=_OPTIONS) for _ in range(connections)
        ]
        # One HTTP/2 connection per channel: their number limits how many streams share one.
        stubs = [rpc.InferenceServiceStub(channel) for channel in self._channels]
        self._stubs: Iterator[rpc.InferenceServiceStub] = itertools.cycle(stubs)
        self._check = self._channels[0].unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        with _translated_errors():
            response: pb.GenerateResponse = await next(self._stubs).Generate(
                request, timeout=timeout_seconds
            )
        return response

    async def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        with _translated_errors():
            call = next(self._stubs).StreamGenerate(
                pb.StreamGenerateRequest(request=request), timeout=timeout_seconds
            )
            try:
                while (message := await call.read()) is not grpc.aio.EOF:
                    yield message
            finally:
                # An open call would keep generating after the reader is gone.
                call.cancel()

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


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise BackendError(error.code(), error.details() or error.code().name) from None
    except (grpc.aio.UsageError, grpc.aio.InternalError) as error:
        # The channel was closed during the call: its endpoint is being removed from the pool.
        raise BackendError(grpc.StatusCode.UNAVAILABLE, str(error)) from None
