"""The text-generation-inference API: POST /generate, POST /generate_stream and POST /.

The prompt is continued as it is, without a chat template, as there. What differs is what the
contract does not carry: ids and log probabilities of tokens are null, and an answer ends before a
stop string instead of behind it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from inference_gateway.errors import Problem
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import option_name
from inference_gateway.formats.openai_response import event, to_json
from inference_gateway.formats.tgi_parameters import (
    OPTION_NAMES,
    generation_options,
    ignored_parameters,
    parse_body,
)
from inference_gateway.formats.tgi_schema import TgiCompatibleRequest, TgiRequest
from kaito.inference.v1 import inference_pb2 as pb

# Whether the route answers as a whole, as a stream, or as its body asks.
Mode = Literal["whole", "stream", "either"]


@dataclass(frozen=True, slots=True)
class ParsedTgi:
    """A text to continue. `in_list` puts a whole answer into a list, as POST / does."""

    body: TgiRequest
    is_streaming: bool
    in_list: bool

    @property
    def model(self) -> str:
        adapter = self.body.parameters.adapter_id if self.body.parameters else None
        return self.body.model or adapter or ""

    @property
    def ignored_parameters(self) -> tuple[str, ...]:
        return ignored_parameters(self.body)

    @property
    def prefix(self) -> str:
        """What the answer's text starts with."""
        parameters = self.body.parameters
        return self.body.inputs if parameters and parameters.return_full_text else ""

    def sent_name(self, field: str) -> str | None:
        if field in ("prompt", "input"):
            return "inputs"
        if field == "model":
            return "model" if self.body.model else "parameters.adapter_id"
        name = option_name(field, OPTION_NAMES)
        return f"parameters.{name}" if name else None

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        options = generation_options(self.body.parameters)
        return (generation.build_request(self.body.inputs, options),)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        (response,) = responses
        (choice,) = response.choices
        body: dict[str, Any] = {"generated_text": self.prefix + choice.text}
        if self.body.parameters and self.body.parameters.details:
            body["details"] = {
                **self.details(choice.finish_reason, response.usage),
                "prefill": [],
                "tokens": [],
            }
        return to_json([body] if self.in_list else body).encode()

    def event_encoder(self, generation: GenerationContext) -> "TgiEventEncoder":
        return TgiEventEncoder(self)

    def details(self, finish_reason: int, usage: pb.Usage) -> dict[str, Any]:
        """How the answer ended, as whole and streamed answers have it."""
        parameters = self.body.parameters
        reason = "length"
        if finish_reason == pb.FINISH_REASON_STOP:
            # The contract does not distinguish the two.
            reason = "stop_sequence" if parameters and parameters.stop else "eos_token"
        return {
            "finish_reason": reason,
            "generated_tokens": usage.completion_tokens,
            "seed": parameters.seed if parameters else None,
        }


@dataclass(slots=True)
class TgiEventEncoder:
    """Renders one event for each delta. The last one has the whole text and the details."""

    parsed: ParsedTgi
    _index: int = 0
    _texts: list[str] = field(default_factory=list)
    _last_text: str = ""
    _finish_reason: int = pb.FINISH_REASON_UNSPECIFIED

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        self._texts.append(message.text)
        if message.finish_reason:
            # The details count the tokens, which the stream's end reports.
            self._finish_reason, self._last_text = message.finish_reason, message.text
            return b""
        return self._event(message.text, None, None) if message.text else b""

    def end(self, usage: pb.Usage) -> bytes:
        details = self.parsed.details(self._finish_reason, usage)
        details["input_length"] = usage.prompt_tokens
        return self._event(self._last_text, self.parsed.prefix + "".join(self._texts), details)

    def _event(self, text: str, generated_text: str | None, details: Any) -> bytes:
        self._index += 1
        token = {"id": None, "text": text, "logprob": None, "special": not text}
        return event(
            to_json(
                {
                    "index": self._index,
                    "token": token,
                    "generated_text": generated_text,
                    "details": details,
                }
            )
        )


@dataclass(frozen=True, slots=True)
class TextGenerationInference:
    """The format of one of the routes."""

    mode: Mode

    def parse(self, body: bytes) -> ParsedTgi:
        if self.mode == "either":
            request = parse_body(TgiCompatibleRequest, body)
            streams = bool(request.stream)
            return ParsedTgi(request, is_streaming=streams, in_list=not streams)
        streams = self.mode == "stream"
        return ParsedTgi(parse_body(TgiRequest, body), is_streaming=streams, in_list=False)

    def error_body(self, problem: Problem) -> bytes:
        return error_body(problem)


def error_body(problem: Problem) -> bytes:
    """{"error": text, "error_type": one of that API's types}"""
    body = {"error": problem.message, "error_type": _error_type(problem.status)}
    return json.dumps(body, ensure_ascii=False).encode()


def _error_type(status: int) -> str:
    if status == 429:
        return "overloaded"
    if status == 503:
        return "healthcheck"
    return "generation" if status >= 500 else "validation"
