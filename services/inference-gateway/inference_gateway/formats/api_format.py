"""The interface of an API format, and the values it works on. Pure throughout.

ApiFormat       parses a body into a ParsedRequest, renders errors
ParsedRequest   one request: what to send to the model-server, and how to render its answers
TokenFormat, ParsedTokenCall   the same for calls that generate nothing
EventEncoder    renders a streamed answer
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference_gateway.backends.backend import TokenRequest, TokenResponse
from inference_gateway.errors import Problem
from kaito.inference.v1 import inference_pb2 as pb

Input = str | pb.Chat | pb.TokenIds


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationContext:
    """What an answer depends on besides its request. `created` is in seconds since 1970.

    `served_model` is the name to send to the model-server; `model` describes what it has loaded.
    """

    request_id: str
    created: int
    served_model: str
    model: pb.Model

    def build_request(self, text: Input, options: pb.GenerationOptions) -> pb.GenerateRequest:
        """One request of the contract, for a prompt, its tokens or a conversation."""
        request = pb.GenerateRequest(
            model=self.served_model, request_id=self.request_id, options=options
        )
        if isinstance(text, str):
            request.prompt = text
        elif isinstance(text, pb.Chat):
            request.chat.CopyFrom(text)
        else:
            request.token_ids.CopyFrom(text)
        return request


class EventEncoder(Protocol):
    """Renders one streamed answer; keeps the state it needs between messages."""

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        """The events of one message, for the request's prompt of that index."""
        ...

    def end(self, usage: pb.Usage) -> bytes:
        """The final events, once all choices of all prompts have ended."""
        ...


class ParsedRequest(Protocol):
    """One valid request. Immutable."""

    @property
    def model(self) -> str: ...

    @property
    def is_streaming(self) -> bool: ...

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
        """Parameters that this model accepts without effect; the response names them."""
        ...

    def sent_name(self, field: str) -> str | None:
        """The client's name of a field of the contract's request, such as options.temperature.

        None if the client did not send it.
        """
        ...

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        """The requests to the model-server, one per prompt."""
        ...

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        """The response's body; `responses` in the order of `requests`."""
        ...

    def event_encoder(self, generation: GenerationContext) -> EventEncoder:
        """Renders the answer if `is_streaming`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedTokenCall:
    """One valid request that generates nothing.

    `render` gets the responses in the order of `requests`. `ignored_parameters` and `sent_name`
    are those of ParsedRequest; `place` is the path, in the request as a whole, of a field of the
    contract's request with that index.
    """

    model: str
    requests: Callable[[GenerationContext], Sequence[TokenRequest]]
    ignored_parameters: Callable[[pb.Model], tuple[str, ...]]
    sent_name: Callable[[str], str | None]
    render: Callable[[Sequence[TokenResponse], pb.Model], bytes]
    place: Callable[[int, str], str] = lambda _, field: field


class ApiFormat(Protocol):
    """One API format."""

    def parse(self, body: bytes) -> ParsedRequest:
        """The request in this body.

        Raises:
            RequestRejected: the body does not fit the format's schema.
        """
        ...

    def error_body(self, problem: Problem) -> bytes:
        """The body of an error response."""
        ...


class TokenFormat(Protocol):
    """One API format of calls that generate nothing."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        """As ApiFormat.parse."""
        ...

    def error_body(self, problem: Problem) -> bytes:
        """As ApiFormat.error_body."""
        ...


AnyFormat = ApiFormat | TokenFormat
