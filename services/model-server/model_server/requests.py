"""Between the messages of the contract and our own types. Pure; raises InvalidRequest."""

from kaito.inference.v1 import inference_pb2 as pb
from model_server import options
from model_server.engine import FinishReason, Message, Usage
from model_server.errors import InvalidRequest
from model_server.options import Options

_FINISH = {
    None: pb.FINISH_REASON_UNSPECIFIED,
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
}


def read_prompt(request: pb.GenerateRequest | pb.TokenizeRequest) -> str | tuple[Message, ...]:
    """The prompt, or the turns of the conversation."""
    match request.WhichOneof("input"):
        case "prompt":
            if not request.prompt:
                raise InvalidRequest("prompt", "", "must not be empty")
            return request.prompt
        case "chat":
            return _read_chat(request.chat)
        case _:
            raise InvalidRequest("input", None, "set prompt or chat")


def _read_chat(chat: pb.Chat) -> tuple[Message, ...]:
    if not chat.messages:
        raise InvalidRequest("chat.messages", [], "at least one message is needed")
    for index, message in enumerate(chat.messages):
        if not message.role:
            raise InvalidRequest(
                f"chat.messages[{index}].role", "", "name who speaks: system, user or assistant"
            )
    return tuple(Message(message.role, message.content) for message in chat.messages)


def read_options(message: pb.GenerationOptions) -> Options:
    """The options that are set, within their bounds."""
    found = {field.name: value for field, value in message.ListFields() if field.name != "stop"}
    result = Options(**found, stop=tuple(message.stop))
    options.check(result)
    return result


def write_finish(reason: FinishReason | None) -> pb.FinishReason:
    """The contract's finish reason; None is "not ended yet"."""
    return _FINISH[reason]


def write_usage(usage: Usage) -> pb.Usage:
    """The contract's token counts."""
    return pb.Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
