"""Which fields of a request an engine answers. What it does not answer is rejected, never ignored.

Pure.
"""

from collections.abc import Iterator

from google.protobuf.message import Message

from kaito.inference.v1 import inference_pb2 as pb
from model_server.errors import InvalidRequest

# What every engine answers: the fields of the contract's first version.
_FIRST_OPTIONS = (
    "max_new_tokens max_length min_new_tokens do_sample temperature top_k top_p typical_p "
    "repetition_penalty length_penalty no_repeat_ngram_size num_beams num_return_sequences stop "
    "seed early_stopping"
).split()
_ALWAYS = frozenset(
    (
        "model",
        "prompt",
        "chat.messages.role",
        "chat.messages.content",
        *(f"options.{name}" for name in _FIRST_OPTIONS),
        "request_id",
        "add_special_tokens",
    )
)
# Fields whose own fields are answered or rejected one by one; all others as a whole.
_CONTAINERS = frozenset(("chat", "chat.messages", "options"))


def reject_unanswered(
    request: pb.GenerateRequest | pb.TokenizeRequest, features: frozenset[str], engine: str
) -> None:
    """Check that the engine answers every field that is set.

    Raises:
        InvalidRequest: names the first field that it does not answer.
    """
    for path, where, value in _set_fields(request, "", ""):
        if path not in _ALWAYS and path not in features:
            raise InvalidRequest(
                where, value, f"is not supported by this model's engine, {engine}; leave it out"
            )


def _set_fields(message: Message, path: str, where: str) -> Iterator[tuple[str, str, object]]:
    """Path (chat.messages.name), place (chat.messages[2].name) and value of each field set."""
    for field, value in message.ListFields():
        inner, place = path + field.name, where + field.name
        if inner not in _CONTAINERS:
            yield inner, place, value if field.message_type is None else "set"
        elif field.is_repeated:
            for index, each in enumerate(value):
                yield from _set_fields(each, f"{inner}.", f"{place}[{index}].")
        else:
            yield from _set_fields(value, f"{inner}.", f"{place}.")
