"""Puts a conversation together from its messages."""

from collections.abc import Sequence

from tuner.rows.record import Conversation, Tool
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.values.faults import no_answer


def build_conversation(
    messages: Sequence[ReadMessage], where: str, *, system: str = "", tools: tuple[Tool, ...] = ()
) -> Conversation:
    """The conversation of `messages`, with the prompt `system` unless it has one of its own.

    Raises:
        RowFault: NO_ANSWER, it has no message of the assistant that the model learns.
    """
    if system and not any(read.role == "system" for read in messages):
        messages = [text_message("system", system), *messages]
    if not any(read.is_answer for read in messages):
        raise no_answer(where, "has no message of role assistant")
    untrained = frozenset(
        index
        for index, read in enumerate(messages)
        # A greeting: there is nothing that it answers.
        if read.is_answer and (index == 0 or not read.trained)
    )
    if not any(read.is_answer and index not in untrained for index, read in enumerate(messages)):
        raise no_answer(where, "has no message of role assistant that is to be learned")
    return Conversation(tuple(read.message for read in messages), tools, untrained)


def text_message(role: str, text: str, *, trained: bool = True) -> ReadMessage:
    """A message that consists of `text`."""
    return ReadMessage({"role": role, "content": text}, trained)


def without_leading_answers(messages: Sequence[ReadMessage]) -> list[ReadMessage]:
    """`messages` without what the assistant says before anybody else speaks."""
    start = next(
        (i for i, read in enumerate(messages) if read.role not in ("system", "assistant")),
        len(messages),
    )
    return [read for index, read in enumerate(messages) if index >= start or not read.is_answer]


def train_last_turn(messages: Sequence[ReadMessage]) -> list[ReadMessage]:
    """`messages`, of which the model learns only what follows the last message of the user."""
    last = max((i for i, read in enumerate(messages) if read.role == "user"), default=-1)
    return [
        ReadMessage(read.message, read.trained and index > last)
        for index, read in enumerate(messages)
    ]
