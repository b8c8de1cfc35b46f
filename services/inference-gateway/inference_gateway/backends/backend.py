"""The seam to one model-server: the contract's own messages, and one typed error.

BackendError(code, message)   everything a model-server or the way to it can refuse with
Knows no HTTP; which status a code becomes stands in `errors`.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import grpc

from kaito.inference.v1 import inference_pb2 as pb


class BackendError(Exception):
    """The model-server refused, failed, or could not be reached."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model can answer now, and if not, why."""

    serving: bool
    detail: str = ""


class Backend(Protocol):
    """One model-server. Every timeout is in seconds; every failure is a BackendError."""

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        """The whole answer. Cancelling the caller stops the generation."""
        ...

    def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        """The answer piece by piece, read only as fast as it is asked for.

        Closing the generator, at any point, stops the generation.
        """
        ...

    async def model(self, timeout_seconds: float) -> pb.Model:
        """What is loaded."""
        ...

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        """All adapters that can be asked for by name, by name."""
        ...

    async def health(self, timeout_seconds: float) -> Health:
        """Never raises: a model-server that cannot be reached is one that does not serve."""
        ...

    async def close(self, grace_seconds: float) -> None:
        """Lets calls in flight end for that long, then cancels them."""
        ...
