"""A scripted model-server in memory that keeps to the contract, for tests."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import grpc

from inference_gateway.backends import fake_answer
from inference_gateway.backends.backend import BackendError, Health, TokenRequest, TokenResponse
from kaito.inference.v1 import inference_pb2 as pb


def _phi() -> pb.Model:
    return pb.Model(
        name="phi-3-mini-128k-instruct",
        default_model="phi-3-mini-128k-instruct",
        max_length=131072,
        has_chat_template=True,
        engine="fake",
        loaded_unix_seconds=1_700_000_000,
        features=fake_answer.FEATURES,
    )


@dataclass(slots=True)
class FakeBackend:
    """Implements `Backend`: answers every request with `deltas` once `gate` is set.

    Each delta is a token. `reasoning` comes before the text, `tool_calls` after it. `failures` are
    raised one per call, before anything else. A stream raises `break_error` after `break_after`
    messages. `requests`, `converted`, `relayed`, `sent` and `canceled` record what
    happened.
    """

    deltas: tuple[str, ...] = ("Hello", ", ", "world")
    finish: pb.FinishReason = pb.FINISH_REASON_STOP
    reasoning: str = ""
    tool_calls: tuple[pb.ToolCall, ...] = ()
    loaded: pb.Model = field(default_factory=_phi)
    loaded_adapters: tuple[pb.Adapter, ...] = ()
    health_now: Health = field(default_factory=lambda: Health(serving=True))
    failures: deque[BackendError] = field(default_factory=deque)
    break_after: int | None = None
    break_error: BackendError = field(
        default_factory=lambda: BackendError(grpc.StatusCode.INTERNAL, "the engine broke")
    )
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[pb.GenerateRequest] = field(default_factory=list)
    converted: list[TokenRequest] = field(default_factory=list)
    relayed: list[tuple[pb.HttpRequestHead, bytes]] = field(default_factory=list)
    relay_head: pb.HttpResponseHead = field(default_factory=lambda: pb.HttpResponseHead(status=200))
    relay_body: tuple[bytes, ...] = ()
    canceled: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        await self._start(request, timeout_seconds)
        script = fake_answer.Script(self.deltas, self.finish, self.reasoning, self.tool_calls)
        response = fake_answer.whole(script, request)
        response.model = self._answering_model(request)
        return response

    async def stream(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        await self._start(request, timeout_seconds)
        script = fake_answer.Script(self.deltas, self.finish, self.reasoning, self.tool_calls)
        messages = fake_answer.streamed(script, request)
        messages[0].model = self._answering_model(request)
        try:
            for count, message in enumerate(messages):
                if count == self.break_after:
                    raise self.break_error
                self.sent += 1
                yield message
        except GeneratorExit:
            self.canceled.set()
            raise

    async def relay(
        self, head: pb.HttpRequestHead, body: bytes, timeout_seconds: float
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        """Answers with `relay_head` and `relay_body`."""
        self.relayed.append((head, body))
        if self.failures:
            raise self.failures.popleft()
        await self.gate.wait()
        try:
            yield pb.RelayHttpResponse(head=self.relay_head)
            for count, part in enumerate(self.relay_body):
                if count == self.break_after:
                    raise self.break_error
                yield pb.RelayHttpResponse(body=part)
        except GeneratorExit:
            self.canceled.set()
            raise

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        """A token is one byte of UTF-8."""
        self.converted.append(request)
        if self.failures:
            raise self.failures.popleft()
        if isinstance(request, pb.EmbedRequest):
            response = fake_answer.embedded(request)
            response.model = request.model or self.loaded.default_model
            return response
        if isinstance(request, pb.DetokenizeRequest):
            return pb.DetokenizeResponse(text=bytes(request.token_ids).decode())
        text = request.prompt or "".join(f"<{m.role}>{m.content}" for m in request.chat.messages)
        return pb.TokenizeResponse(token_ids=text.encode(), tokens=list(text))

    async def model(self, timeout_seconds: float) -> pb.Model:
        return self.loaded

    async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
        return self.loaded_adapters

    async def health(self, timeout_seconds: float) -> Health:
        return self.health_now

    async def close(self, grace_seconds: float) -> None:
        self.closed = True

    async def _start(self, request: pb.GenerateRequest, timeout_seconds: float) -> None:
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
            self.canceled.set()
            raise

    def _answering_model(self, request: pb.GenerateRequest) -> str:
        return request.model or self.loaded.default_model
