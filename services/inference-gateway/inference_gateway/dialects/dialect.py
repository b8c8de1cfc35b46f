"""What one HTTP format has to be able to do, and the values it works on. Pure throughout.

Dialect   reads a body into an Ask, renders refusals
Ask       one request: what to ask the model-server, and how its answers are written
Events    the same answer written piece by piece
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inference_gateway.errors import Problem
from kaito.inference.v1 import inference_pb2 as pb

Input = str | tuple[pb.ChatMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The circumstances of an answer. `created` is in seconds since 1970."""

    request_id: str
    created: int
    served_model: str
    model: pb.Model

    def request(self, text: Input, options: pb.GenerationOptions) -> pb.GenerateRequest:
        """One request of the contract."""
        request = pb.GenerateRequest(
            model=self.served_model, request_id=self.request_id, options=options
        )
        if isinstance(text, str):
            request.prompt = text
        else:
            request.chat.messages.extend(text)
        return request


class Events(Protocol):
    """Writes one streamed answer; keeps what it needs between pieces."""

    def piece(self, prompt: int, message: pb.StreamGenerateResponse) -> bytes:
        """The event or events of one message for the request's prompt of that number."""
        ...

    def closing(self, spent: pb.Usage) -> bytes:
        """What ends the stream, after all choices of all prompts ended."""
        ...


class Ask(Protocol):
    """One request that was read and found right. Immutable."""

    @property
    def model(self) -> str: ...

    @property
    def streams(self) -> bool: ...

    @property
    def ignored(self) -> tuple[str, ...]:
        """Parameters that were understood but change nothing, to be told to the client."""
        ...

    def requests(self, about: About) -> tuple[pb.GenerateRequest, ...]:
        """What to ask: one for each prompt."""
        ...

    def whole(self, answers: Sequence[pb.GenerateResponse], about: About) -> bytes:
        """The answer's body; `answers` in the order of `requests`."""
        ...

    def events(self, about: About) -> Events:
        """How to write the answer when it `streams`."""
        ...


class Dialect(Protocol):
    """One HTTP format."""

    def read(self, body: bytes) -> Ask:
        """Raises Refused."""
        ...

    def refusal(self, problem: Problem) -> bytes:
        """The body of a refusal."""
        ...
