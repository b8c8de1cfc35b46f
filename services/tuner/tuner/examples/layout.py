"""What a chat template writes around the contents of a conversation, and where it writes them.

A layout is the template's text for the messages with a placeholder in place of each content. It
depends on the structure of the conversation only, so it holds for all conversations of the same
roles, and shows which contents a template leaves out, repeats or rewrites.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.rows.record import Message

# Private-use characters, which no template looks for. transformers takes the two before them.
_START, _END = "\U000f0002", "\U000f0003"
_PLACEHOLDER = re.compile(f"{_START}([0-9]+){_END}")

# What templates do to a content before they write it.
_TRANSFORMS: tuple[Callable[[str], str], ...] = (
    str,
    str.strip,
    str.lstrip,
    str.rstrip,
    lambda text: text.strip("\n"),
    lambda text: text.lstrip("\n"),
    # Results of tools as JSON.
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
)


def with_placeholders(messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` with a placeholder in place of each content that is not empty."""
    return tuple(
        {**message, "content": f"{_START}{index}{_END}"} if message.get("content") else message
        for index, message in enumerate(messages)
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """`text` is what the template makes of `with_placeholders(messages)`."""

    text: str

    def contents(self) -> list[int]:
        """The indexes of the messages whose contents are written, in the order of writing."""
        return [int(match.group(1)) for match in _PLACEHOLDER.finditer(self.text)]

    def has_contents(self, start: int) -> bool:
        """Whether a content is written at or after `start`."""
        return _PLACEHOLDER.search(self.text, start) is not None

    def end_of_content(self, message: int) -> int:
        """Where the content of the message with that index ends; 0 if it has none."""
        placeholder = f"{_START}{message}{_END}"
        start = self.text.find(placeholder)
        return start + len(placeholder) if start >= 0 else 0

    def locate(self, rendered: str, messages: Sequence[Message]) -> "Places | None":
        """Where the parts of this layout are in `rendered`, the text of `messages`.

        None if the template rewrites a content, or writes something else depending on it.
        """
        matches = list(_PLACEHOLDER.finditer(self.text))
        first = self.text[: matches[0].start()] if matches else self.text
        if not rendered.startswith(first):
            return None
        position = len(first)
        places = Places([0], [0])
        for match, following in zip(matches, [*matches[1:], None], strict=True):
            content = str(messages[int(match.group(1))].get("content"))
            after = self.text[match.end() : following.start() if following else len(self.text)]
            end = _find_end(rendered, position, content, after)
            if end is None:
                return None
            position = end + len(after)
            places.layout.append(match.end())
            places.rendered.append(end)
        return places if position == len(rendered) else None


@dataclass(frozen=True, slots=True)
class Places:
    """Positions in a layout that correspond to positions in a rendered text, ascending."""

    layout: list[int]
    rendered: list[int]

    def to_rendered(self, position: int) -> int:
        """Where `position` of the layout, which is in no placeholder, is in the rendered text."""
        last = bisect_right(self.layout, position) - 1
        return self.rendered[last] + position - self.layout[last]


def _find_end(rendered: str, start: int, content: str, after: str) -> int | None:
    """Where `content`, which begins at `start` and is followed by `after`, ends."""
    for transform in _TRANSFORMS:
        written = transform(content)
        end = start + len(written)
        if rendered.startswith(written, start) and rendered.startswith(after, end):
            return end
    return None
