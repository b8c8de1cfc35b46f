"""The text-generation-inference API: POST /generate, POST /generate_stream and POST /.

The prompt is continued as it is, without a chat template, as there. What differs: an answer ends
before a stop string instead of behind it, and the events of a stream have ids and log probabilities
only with `details`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import option_name
from inference_gateway.formats.openai_response import json_bytes
from inference_gateway.formats.tgi_events import TgiEventEncoder
from inference_gateway.formats.tgi_parameters import (
    OPTION_NAMES,
    generation_options,
    ignored_parameters,
    parse_body,
    structured_output,
    validation,
)
from inference_gateway.formats.tgi_schema import TgiCompatibleRequest, TgiRequest
from inference_gateway.formats.tgi_tokens import prefill, token_details
from kaito.inference.v1 import inference_pb2 as pb

# Whether the route answers as a whole, as a stream, or as its body asks.
Mode = Literal["whole", "stream", "either"]


@dataclass(frozen=True, slots=True)
class ParsedTgi:
    """A text to continue. `in_list` puts a whole answer into a list, as POST / does."""

    body: TgiRequest
    is_streaming: bool
    in_list: bool
    structure: pb.StructuredOutput | None = None

    @property
    def model(self) -> str:
        adapter = self.body.parameters.adapter_id if self.body.parameters else None
        return self.body.model or adapter or ""

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
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
        if field.startswith("structured_output"):
            return "parameters.grammar"
        name = option_name(field, OPTION_NAMES)
        return f"parameters.{name}" if name else None

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        options = generation_options(self.body.parameters, generation.model.features)
        request = generation.build_request(self.body.inputs, options)
        if self.structure:
            request.structured_output.CopyFrom(self.structure)
        return (request,)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        (response,) = responses
        (choice,) = response.choices
        body: dict[str, Any] = {"generated_text": self.prefix + choice.text}
        parameters = self.body.parameters
        if parameters and parameters.details:
            body["details"] = {
                **self.details(choice.finish_reason, response.usage),
                "prefill": prefill(response.prompt_logprobs),
                **token_details(choice, with_top=bool(parameters.top_n_tokens)),
            }
        return json_bytes([body] if self.in_list else body)

    def event_encoder(self, generation: GenerationContext) -> TgiEventEncoder:
        return TgiEventEncoder(self.prefix, self.details)

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


@dataclass(frozen=True, slots=True)
class TextGenerationInference:
    """The format of one of the routes."""

    mode: Mode

    def parse(self, body: bytes) -> ParsedTgi:
        if self.mode == "either":
            request: TgiRequest = parse_body(TgiCompatibleRequest, body)
            streams = bool(request.stream) if isinstance(request, TgiCompatibleRequest) else False
        else:
            request, streams = parse_body(TgiRequest, body), self.mode == "stream"
        parameters = request.parameters
        if streams and parameters and parameters.decoder_input_details:
            name = "parameters.decoder_input_details"
            raise RequestRejected(validation(f"{name}: a stream has no prompt's tokens", name))
        return ParsedTgi(
            request,
            is_streaming=streams,
            in_list=self.mode == "either" and not streams,
            structure=structured_output(parameters),
        )

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
