r"""Conversations as text, as Anthropic's hh-rlhf has them: "\n\nHuman: ...\n\nAssistant: ..."."""

import re

from tuner.shapes.chat.message import ReadMessage, read_messages

_SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):[ ]?")


def is_dialogue(text: str) -> bool:
    """True if `text` begins with a speaker and holds both."""
    speakers = {match.group(1) for match in _SPEAKER.finditer(text)}
    return len(speakers) == 2 and _SPEAKER.match(text) is not None


def read_dialogue(text: str, where: str) -> list[ReadMessage]:
    """The messages of the dialogue `text`.

    Raises:
        RowFault: EMPTY, a speaker says nothing.
    """
    _, *pieces = _SPEAKER.split(text)
    turns = enumerate(zip(pieces[::2], pieces[1::2], strict=True), start=1)
    return [
        message
        for number, (role, content) in turns
        for message in read_messages(
            {"role": role, "content": content.strip()}, f"{where}, turn {number}"
        )
    ]
