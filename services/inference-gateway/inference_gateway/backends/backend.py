"""The interface to one model-server: the contract's messages, and one typed error.

Knows no HTTP: `errors` maps the codes to HTTP statuses.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import grpc

from kaito.inference.v1 import inference_pb2 as pb

TokenRequest = pb.TokenizeRequest | pb.DetokenizeRequest | pb.EmbedRequest
TokenResponse = pb.TokenizeResponse | pb.DetokenizeResponse | pb.EmbedResponse


class BackendError(Exception):
    """The model-server rejected the call, failed, or could not be reached.

    `may_have_started` is False only if the model-server certainly did no work for the call. `field`
    is the path of the field that it rejects, such as options.temperature.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        may_have_started: bool = True,
        field: str = "",
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.may_have_started = may_have_started
        self.field = field

    def move(self, field: str) -> None:
        """Names the field by another path, in the message too."""
        if self.field and self.message.startswith(self.field):
            self.message = field + self.message[len(self.field) :]
        self.field = field


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model can answer now; `detail` says why not.

    `timed_out` says that nothing came in time, neither yes nor no.
    """

    serving: bool
    detail: str = ""
    timed_out: bool = False


class Backend(Protocol):
    """One model-server.

    Raises:
        BackendError: any call failed; only `health` reports a failure as its result.
    """

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        """The whole answer. Canceling the caller stops the generation."""
        ...

    def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        """The answer in deltas, received only as fast as the caller reads them.

        Closing the generator, at any point, stops the generation.
        """
        ...

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        """The tokens of a text, the text of tokens, or vectors."""
        ...

    def relay(
        self, head: pb.HttpRequestHead, body: bytes, timeout_seconds: float
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        """The response of the engine's own server, received only as fast as the caller reads it.

        Closing the generator, at any point, ends the engine's work.
        """
        ...

    async def model(self, timeout_seconds: float) -> pb.Model:
        """The loaded model."""
        ...

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        """All loaded adapters, ordered by name."""
        ...

    async def health(self, timeout_seconds: float) -> Health:
        """Never raises: an unreachable model-server is reported as not serving."""
        ...

    async def close(self, grace_seconds: float) -> None:
        """Waits up to `grace_seconds` for calls in flight, then cancels them."""
        ...
