"""Counts the tokens of streams as they arrive."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from inference_gateway.metering import Stream
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(slots=True)
class StreamCount:
    """What the streams of one request have told so far.

    A message counts in the moment that the model-server hands it over, so that none is missed of a
    stream that is left. `begun` are the requests that the model-server has been asked.
    """

    begun: list[pb.GenerateRequest] = field(default_factory=list)
    counted: int = 0
    prompt: int = 0
    completion: int = 0
    partial: int = 0

    def watch(
        self, streams: Sequence[Stream], requests: Sequence[pb.GenerateRequest]
    ) -> list[Stream]:
        """The streams, counted."""
        return [self._count(*each) for each in zip(streams, requests, strict=True)]

    async def _count(self, stream: Stream, request: pb.GenerateRequest) -> Stream:
        self.begun.append(request)
        own = 0
        async with aclosing(stream) as messages:
            async for message in messages:
                own += message.token_count
                self.partial += message.token_count
                if message.HasField("usage"):
                    self.partial -= own
                    self.counted += 1
                    self.prompt += message.usage.prompt_tokens
                    self.completion += message.usage.completion_tokens
                yield message
