"""POST /tokenize and POST /detokenize, in vLLM's format."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.backends.backend import TokenResponse
from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats.api_format import GenerationContext, ParsedTokenCall
from inference_gateway.formats.conversation import (
    check_template_fields,
    ignored_parts,
    to_chat,
    tool_field_name,
)
from inference_gateway.formats.field_names import dotted, message_name
from inference_gateway.formats.openai_request import parse_body, set_extras
from inference_gateway.formats.openai_response import json_bytes, to_json
from inference_gateway.formats.tokens_schema import DetokenizeRequest, TokenizeRequest
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class Tokenize:
    """The format of /tokenize."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        request = parse_body(TokenizeRequest, body)
        check_template_fields(request.messages or (), request)
        if (request.prompt is None) == (request.messages is None):
            raise RequestRejected(_one_of_two(request))

        def render(responses: Sequence[TokenResponse], model: pb.Model) -> bytes:
            (response,) = responses
            assert isinstance(response, pb.TokenizeResponse)
            return to_json(
                {
                    "count": len(response.token_ids),
                    "max_model_len": model.max_length,
                    "tokens": list(response.token_ids),
                    "token_strs": list(response.tokens) if request.return_token_strs else None,
                }
            ).encode()

        return ParsedTokenCall(
            model=request.model or "",
            requests=lambda context: (_to_contract(request, context),),
            ignored_parameters=lambda model: tuple(_ignored(request, model)),
            sent_name=_sent_name,
            render=render,
        )

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


@dataclass(frozen=True, slots=True)
class Detokenize:
    """The format of /detokenize."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        request = parse_body(DetokenizeRequest, body)
        return ParsedTokenCall(
            model=request.model or "",
            requests=lambda context: (
                pb.DetokenizeRequest(model=context.served_model, token_ids=request.tokens),
            ),
            ignored_parameters=lambda _: tuple(set_extras(request)),
            sent_name=_sent_name,
            render=_render_text,
        )

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


def _to_contract(request: TokenizeRequest, context: GenerationContext) -> pb.TokenizeRequest:
    if request.messages is not None:
        chat = to_chat(request.messages, request, request.tools or (), context.model.features)
        return pb.TokenizeRequest(model=context.served_model, chat=chat)
    return pb.TokenizeRequest(
        model=context.served_model,
        prompt=request.prompt,
        add_special_tokens=request.add_special_tokens is not False,
    )


def _render_text(responses: Sequence[TokenResponse], model: pb.Model) -> bytes:
    (response,) = responses
    assert isinstance(response, pb.DetokenizeResponse)
    return json_bytes({"prompt": response.text})


def _one_of_two(request: TokenizeRequest) -> Problem:
    given = "both were sent" if request.prompt is not None else "neither was sent"
    code = "invalid_value" if request.prompt is not None else "missing_required_parameter"
    message = f"prompt, messages: {given}; send one of them"
    return Problem(status=400, message=message, param="prompt", code=code)


def _ignored(request: TokenizeRequest, model: pb.Model) -> list[str]:
    names = set_extras(request)
    # A conversation gets its special tokens from the chat template alone.
    if request.messages is not None and request.add_special_tokens:
        names.insert(0, "add_special_tokens")
    return [*names, *ignored_parts(request.messages or (), model.features)]


def _sent_name(field: str) -> str | None:
    """The client's name of a field of the contract's request: tokens.3 of token_ids[3]."""
    if field in ("model", "prompt"):
        return field
    if field.startswith("token_ids"):
        return dotted(field.replace("token_ids", "tokens"))
    if field.startswith("chat.template_arguments"):
        return "chat_template_kwargs"
    if field == "chat.continue_final_message":
        return "continue_final_message"
    # A request has at most 128 tools, all of which are sent.
    return tool_field_name(field, range(128)) or message_name(field)
