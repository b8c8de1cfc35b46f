"""Keeps the text of control tokens in the data from becoming control tokens.

Such text is marked before the chat template renders it, and encoded as plain text afterwards; the
control tokens that the template itself writes have no mark. transformers does the same for
`sanitize_control_tokens`, which however also marks what answers may hold, such as <think>, and
does not give the position of a token.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transformers.utils.chat_template_utils import mark_control_tokens

# As `mark_control_tokens` writes them: private-use characters.
START, END = "\U000f0000", "\U000f0001"


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A part of a marked text, which begins at `start` in it; `is_plain` if it was marked."""

    text: str
    start: int
    is_plain: bool


class ControlTokens:
    """The control tokens of a model, by their text."""

    def __init__(self, texts: frozenset[str]) -> None:
        self.texts = texts
        # A longer token takes precedence over those that it contains.
        alternatives = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
        self.pattern = re.compile(alternatives or "(?!)")
        # The marks may have been separated by a template that splits its text.
        self._marks = re.compile(f"{START}({self.pattern.pattern}){END}|[{START}{END}]")

    def stand_in(self, value: Any) -> bool:
        """Whether `value`, a text or a structure of texts, holds the text of a control token."""
        if isinstance(value, str):
            return self.pattern.search(value) is not None
        if isinstance(value, Mapping):
            return any(map(self.stand_in, value.values()))
        return isinstance(value, list | tuple) and any(map(self.stand_in, value))

    def mark(self, value: Any) -> Any:
        """`value`, a text or a structure of texts, with marks around control tokens."""
        return mark_control_tokens(value, self.pattern)

    def split(self, text: str) -> Iterator[TextSegment]:
        """The marked and unmarked segments of `text`, without the marks."""
        start = 0
        for match in self._marks.finditer(text):
            if match.start() > start:
                yield TextSegment(text[start : match.start()], start, False)
            if match.group(1) is not None:
                yield TextSegment(match.group(1), match.start(1), True)
            start = match.end()
        if start < len(text):
            yield TextSegment(text[start:], start, False)
