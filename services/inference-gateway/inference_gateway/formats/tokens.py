"""POST /tokenize and POST /detokenize, in vLLM's format."""

from dataclasses import dataclass

from inference_gateway.backends.backend import TokenResponse
from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats.api_format import ParsedTokenCall
from inference_gateway.formats.field_names import message_name
from inference_gateway.formats.openai_chat import to_contract
from inference_gateway.formats.openai_request import parse_body, reject_unsupported, set_extras
from inference_gateway.formats.openai_response import to_json
from inference_gateway.formats.tokens_schema import DetokenizeRequest, TokenizeRequest
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class Tokenize:
    """The format of /tokenize."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        request = parse_body(TokenizeRequest, body)
        _reject_templates(request)
        if (request.prompt is None) == (request.messages is None):
            raise RequestRejected(_one_of_two(request))

        def render(response: TokenResponse, model: pb.Model) -> bytes:
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
            request=lambda name: _to_contract(request, name),
            ignored_parameters=tuple(_ignored(request)),
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
            request=lambda name: pb.DetokenizeRequest(model=name, token_ids=request.tokens),
            ignored_parameters=tuple(set_extras(request)),
            sent_name=_sent_name,
            render=_render_text,
        )

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


def _to_contract(request: TokenizeRequest, model: str) -> pb.TokenizeRequest:
    if request.messages is not None:
        messages = [to_contract(message) for message in request.messages]
        return pb.TokenizeRequest(model=model, chat=pb.Chat(messages=messages))
    return pb.TokenizeRequest(
        model=model,
        prompt=request.prompt,
        add_special_tokens=request.add_special_tokens is not False,
    )


def _render_text(response: TokenResponse, model: pb.Model) -> bytes:
    assert isinstance(response, pb.DetokenizeResponse)
    return to_json({"prompt": response.text}).encode()


def _reject_templates(request: TokenizeRequest) -> None:
    """Rejects what would change how a conversation is rendered.

    Raises:
        RequestRejected: 400, naming the first of them.
    """
    reject_unsupported(
        add_generation_prompt=request.add_generation_prompt is False,
        continue_final_message=request.continue_final_message,
        chat_template=request.chat_template is not None,
        tools=request.tools,
    )
    for index, message in enumerate(request.messages or ()):
        reject_unsupported(
            **{
                f"messages.{index}.tool_calls": message.tool_calls,
                f"messages.{index}.function_call": message.function_call,
            }
        )


def _one_of_two(request: TokenizeRequest) -> Problem:
    given = "both were sent" if request.prompt is not None else "neither was sent"
    code = "invalid_value" if request.prompt is not None else "missing_required_parameter"
    message = f"prompt, messages: {given}; send one of them"
    return Problem(status=400, message=message, param="prompt", code=code)


def _ignored(request: TokenizeRequest) -> list[str]:
    names = set_extras(request)
    # A conversation gets its special tokens from the chat template alone.
    if request.messages is not None and request.add_special_tokens:
        names.insert(0, "add_special_tokens")
    of_messages = dict.fromkeys(
        f"messages.{name}" for message in request.messages or () for name in set_extras(message)
    )
    return [*names, *of_messages]


def _sent_name(field: str) -> str | None:
    """The client's name of a field of the contract's request: tokens.3 of token_ids[3]."""
    if field in ("model", "prompt"):
        return field
    if field.startswith("token_ids"):
        return field.replace("token_ids", "tokens").replace("[", ".").replace("]", "")
    return message_name(field)
