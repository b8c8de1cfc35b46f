"""Writes one streamed answer as it comes. Knows no model-server and no particular format."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from inference_gateway.dialects.dialect import Events
from inference_gateway.exchange import Exchange
from inference_gateway.merge import first_within
from kaito.inference.v1 import inference_pb2 as pb

Numbered = tuple[int, pb.StreamGenerateResponse]
_KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(slots=True)
class StreamedAnswer:
    """The answer on its way; starts with the first thing there is to write."""

    exchange: Exchange
    events: Events
    _model: str = ""

    async def write(self, number: int, message: pb.StreamGenerateResponse) -> None:
        """One message, of the prompt of that number."""
        exchange = self.exchange
        if message.model:
            self._model = message.model
        if message.text:
            exchange.first_token()
        if message.HasField("usage"):
            exchange.count(self._model, message.usage)
        data = self.events.piece(number, message)
        if not exchange.started:
            await exchange.open_events()
        if data:
            await exchange.write(data)

    async def keep_alive(self) -> None:
        """A comment: says no more than that somebody is there."""
        await self.exchange.open_events()
        await self.exchange.write(_KEEP_ALIVE)

    async def end(self) -> None:
        """The last event, with what all prompts cost together."""
        facts = self.exchange.facts
        spent = pb.Usage(
            prompt_tokens=facts.prompt_tokens, completion_tokens=facts.completion_tokens
        )
        await self.exchange.open_events()
        await self.exchange.write(self.events.closing(spent), last=True)


async def relay(
    messages: AsyncIterator[Numbered], answer: StreamedAnswer, pause_seconds: float
) -> None:
    """All messages into the answer; comments every `pause_seconds` until the first is there."""
    async for first in first_within(messages, pause_seconds):
        if first is None:
            await answer.keep_alive()
        else:
            await answer.write(*first)
    async for number, message in messages:
        await answer.write(number, message)
    await answer.end()
