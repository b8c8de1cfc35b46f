"""A model-server in memory that follows a script. Behaves as the contract says, no network."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import grpc

from inference_gateway.backends.backend import BackendError, Health
from kaito.inference.v1 import inference_pb2 as pb


def _phi() -> pb.Model:
    return pb.Model(
        name="phi-3-mini-128k-instruct",
        default_model="phi-3-mini-128k-instruct",
        max_length=131072,
        has_chat_template=True,
        engine="fake",
        loaded_unix_seconds=1_700_000_000,
    )


@dataclass(slots=True)
class FakeBackend:
    """Implements `Backend`: answers every request with `pieces`, once `gate` is open.

    `failures` are raised one per call, before anything else; `break_after` pieces of a stream,
    `breaks_with` is raised. `requests` and `cancelled` record what came and what was given up.
    """

    pieces: tuple[str, ...] = ("Hello", ", ", "world")
    finish: pb.FinishReason = pb.FINISH_REASON_STOP
    loaded: pb.Model = field(default_factory=_phi)
    loaded_adapters: tuple[pb.Adapter, ...] = ()
    health_now: Health = field(default_factory=lambda: Health(serving=True))
    failures: deque[BackendError] = field(default_factory=deque)
    break_after: int | None = None
    breaks_with: BackendError = field(
        default_factory=lambda: BackendError(grpc.StatusCode.INTERNAL, "the engine broke")
    )
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[pb.GenerateRequest] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    given: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        await self._admit(request, timeout_seconds)
        choices = [
            pb.Choice(index=index, text="".join(self.pieces), finish_reason=self.finish)
            for index in range(_choices(request))
        ]
        return pb.GenerateResponse(
            choices=choices, usage=self._usage(request), model=self._answering(request)
        )

    async def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        await self._admit(request, timeout_seconds)
        try:
            for count, message in enumerate(self._messages(request)):
                if count == self.break_after:
                    raise self.breaks_with
                self.given += 1
                yield message
        except GeneratorExit:
            self.cancelled.set()
            raise

    async def model(self, timeout_seconds: float) -> pb.Model:
        return self.loaded

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        return self.loaded_adapters

    async def health(self, timeout_seconds: float) -> Health:
        return self.health_now

    async def close(self, grace_seconds: float) -> None:
        self.closed = True

    async def _admit(self, request: pb.GenerateRequest, timeout_seconds: float) -> None:
        self.requests.append(request)
        if self.failures:
            raise self.failures.popleft()
        known = {"", self.loaded.name, *(adapter.name for adapter in self.loaded_adapters)}
        if request.model not in known:
            raise BackendError(grpc.StatusCode.NOT_FOUND, f"no model {request.model!r} is loaded")
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.gate.wait()
        except TimeoutError:
            raise BackendError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from None
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    def _messages(self, request: pb.GenerateRequest) -> list[pb.StreamGenerateResponse]:
        numbered = range(_choices(request))
        messages = [
            pb.StreamGenerateResponse(index=index, text=piece)
            for piece in self.pieces
            for index in numbered
        ]
        messages += [
            pb.StreamGenerateResponse(index=index, finish_reason=self.finish) for index in numbered
        ]
        messages[0].model = self._answering(request)
        messages[0].request_id = request.request_id
        messages[-1].usage.CopyFrom(self._usage(request))
        return messages

    def _usage(self, request: pb.GenerateRequest) -> pb.Usage:
        tokens = len(self.pieces) * _choices(request)
        return pb.Usage(prompt_tokens=7, completion_tokens=tokens)

    def _answering(self, request: pb.GenerateRequest) -> str:
        return request.model or self.loaded.default_model


def _choices(request: pb.GenerateRequest) -> int:
    return request.options.num_return_sequences or 1
