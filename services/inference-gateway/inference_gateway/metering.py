"""What a request tells about its work before a model-server does it. Without keys nobody hears."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from inference_gateway.backends.backend import TokenRequest
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.relaying.relayed_request import RelayedRequest
from kaito.inference.v1 import inference_pb2 as pb

Stream = AsyncGenerator[pb.StreamGenerateResponse, None]


class Meter(Protocol):
    """Hears of the work of one request, again for each model-server that it is tried on.

    Raises:
        RequestRejected: the work would cost more than is allowed.
    """

    async def wait(self) -> None:
        """Before the request waits for a model, which may have to be started for it."""
        ...

    async def start(
        self,
        requests: Sequence[pb.GenerateRequest] | Sequence[TokenRequest],
        endpoint: Endpoint,
        generation: GenerationContext,
        *,
        is_streaming: bool = False,
    ) -> None:
        """The requests of the contract; they may be changed."""
        ...

    async def start_relayed(
        self, request: RelayedRequest, endpoint: Endpoint, generation: GenerationContext
    ) -> RelayedRequest:
        """A request to the engine's own server, and what to send in its place."""
        ...

    def watch(self, streams: Sequence[Stream]) -> Sequence[Stream]:
        """The streams of the requests, in their order, to be read in place of them."""
        ...


class Unmetered:
    """Implements `Meter` where there are no keys."""

    async def wait(self) -> None:
        """Nothing is asked."""

    async def start(
        self,
        requests: Sequence[pb.GenerateRequest] | Sequence[TokenRequest],
        endpoint: Endpoint,
        generation: GenerationContext,
        *,
        is_streaming: bool = False,
    ) -> None:
        """Nothing is counted."""

    async def start_relayed(
        self, request: RelayedRequest, endpoint: Endpoint, generation: GenerationContext
    ) -> RelayedRequest:
        return request

    def watch(self, streams: Sequence[Stream]) -> Sequence[Stream]:
        return streams


UNMETERED = Unmetered()
