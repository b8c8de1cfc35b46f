"""Writes one streamed answer as server-sent events. Knows no model-server and no API format."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from grpc import StatusCode

from inference_gateway.backends.backend import BackendError
from inference_gateway.contract_check import StreamCheck
from inference_gateway.formats.api_format import EventEncoder
from inference_gateway.formats.token_usage import add_usage
from inference_gateway.request_context import RequestContext
from inference_gateway.stream_merging import wait_for_first
from kaito.inference.v1 import inference_pb2 as pb

NumberedMessage = tuple[int, pb.StreamGenerateResponse]
_KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(slots=True)
class EventStreamWriter:
    """Writes to one response, which starts with the first thing there is to write.

    Until then a failure can still have its own HTTP status. Calls `on_message` for every message.
    """

    context: RequestContext
    encoder: EventEncoder
    contract: StreamCheck
    on_message: Callable[[], None]
    _model: str = ""
    _usage: pb.Usage = field(default_factory=pb.Usage)

    async def write(self, prompt_index: int, message: pb.StreamGenerateResponse) -> None:
        """Writes one message for the prompt of that index."""
        context = self.context
        self.on_message()
        self.contract.check(prompt_index, message)
        if message.model:
            self._model = message.model
        if message.text or message.reasoning or message.tool_calls:
            context.record_first_token()
        if message.HasField("usage"):
            context.record_usage(self._model, message.usage)
            add_usage(self._usage, message.usage)
        data = self.encoder.encode(prompt_index, message)
        if not context.started:
            await context.start_event_stream()
        # A message without text or finish reason may render to nothing.
        if data:
            await context.write(data)

    async def keep_alive(self) -> None:
        """Writes a comment, so that no proxy closes a connection that looks idle."""
        await self.context.start_event_stream()
        await self.context.write(_KEEP_ALIVE)

    async def end(self) -> None:
        """Writes the final events, with the usage of all prompts together.

        Raises:
            BackendError: the answer is not complete.
        """
        self.contract.check_end()
        await self.context.start_event_stream()
        await self.context.write(self.encoder.end(self._usage), last=True)


async def relay(
    messages: AsyncIterator[NumberedMessage],
    writer: EventStreamWriter,
    *,
    keep_alive_seconds: float,
    first_timeout_seconds: float,
) -> None:
    """Writes all messages; before the first, a comment every `keep_alive_seconds`.

    Raises:
        BackendError: DEADLINE_EXCEEDED, the first message did not come in time.
    """
    try:
        async for first in wait_for_first(messages, keep_alive_seconds, first_timeout_seconds):
            if first is None:
                await writer.keep_alive()
            else:
                await writer.write(*first)
    except TimeoutError:
        detail = (
            f"no first token within {first_timeout_seconds:g} s; send a shorter prompt, try again "
            "later, or raise KAITO_FIRST_TOKEN_TIMEOUT_SECONDS"
        )
        raise BackendError(StatusCode.DEADLINE_EXCEEDED, detail) from None
    async for prompt_index, message in messages:
        await writer.write(prompt_index, message)
    await writer.end()
