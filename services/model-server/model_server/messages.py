"""Converts between the contract's messages and this package's own types. Pure."""

from kaito.inference.v1 import inference_pb2 as pb
from model_server import options
from model_server.adapters import Adapter, RejectedAdapter
from model_server.engine import ChatMessage, Delta, FinishReason, Usage
from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions
from model_server.serving_state import ServedModel

_FINISH_REASONS = {
    None: pb.FINISH_REASON_UNSPECIFIED,
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
}


def parse_prompt(
    request: pb.GenerateRequest | pb.TokenizeRequest,
) -> str | tuple[ChatMessage, ...]:
    """The prompt, or the messages of the conversation.

    Raises:
        InvalidRequest: there is neither, or it is empty.
    """
    match request.WhichOneof("input"):
        case "prompt":
            if not request.prompt:
                raise InvalidRequest("prompt", "", "must not be empty")
            return request.prompt
        case "chat":
            return _parse_chat(request.chat)
        case _:
            raise InvalidRequest("input", None, "set prompt or chat")


def _parse_chat(chat: pb.Chat) -> tuple[ChatMessage, ...]:
    if not chat.messages:
        raise InvalidRequest("chat.messages", [], "at least one message is required")
    for index, message in enumerate(chat.messages):
        if not message.role:
            raise InvalidRequest(
                f"chat.messages[{index}].role", "", "set system, user or assistant"
            )
    return tuple(ChatMessage(message.role, message.content) for message in chat.messages)


def parse_options(message: pb.GenerationOptions) -> GenerationOptions:
    """The options that are set, within their bounds.

    Raises:
        InvalidRequest: an option is out of bounds.
    """
    # ListFields leaves unset fields out; `stop` is repeated and has no unset state.
    given = {field.name: value for field, value in message.ListFields() if field.name != "stop"}
    parsed = GenerationOptions(**given, stop=tuple(message.stop))
    options.validate(parsed)
    return parsed


def to_finish_reason(reason: FinishReason | None) -> pb.FinishReason:
    """The contract's finish reason; None means "not ended yet"."""
    return _FINISH_REASONS[reason]


def to_usage(usage: Usage) -> pb.Usage:
    """The contract's token counts."""
    return pb.Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)


def to_stream_response(delta: Delta) -> pb.StreamGenerateResponse:
    """One message of a stream."""
    return pb.StreamGenerateResponse(
        index=delta.index,
        text=delta.text,
        finish_reason=to_finish_reason(delta.finish_reason),
        usage=to_usage(delta.usage) if delta.usage else None,
    )


def to_model(name: str, served: ServedModel) -> pb.Model:
    """The contract's description of the loaded model."""
    model = served.model
    return pb.Model(
        name=name,
        default_model=served.adapters.default_model,
        max_length=model.max_length,
        has_chat_template=model.has_chat_template,
        architecture=model.architecture,
        dtype=model.dtype,
        engine=model.engine,
        device=model.device,
        loaded_unix_seconds=served.loaded_unix_seconds,
    )


def to_adapter(adapter: Adapter) -> pb.Adapter:
    """The contract's description of a loaded adapter."""
    return pb.Adapter(
        name=adapter.source.name,
        path=str(adapter.source.path),
        strength=adapter.source.strength,
        rank=adapter.info.rank,
        base_model=adapter.info.base_model,
    )


def to_rejected_adapter(adapter: RejectedAdapter) -> pb.RejectedAdapter:
    """The contract's description of an adapter that did not load."""
    return pb.RejectedAdapter(name=adapter.name, path=str(adapter.path), cause=adapter.cause)
