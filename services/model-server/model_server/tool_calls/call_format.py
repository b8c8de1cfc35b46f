"""How a family of models writes calls of tools.

One description serves both directions: calls are read leniently (whitespace around punctuation
varies) and written exactly, by the grammar that a constrained answer has to match.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import regex

# What the contract allows as a tool's name.
_NAME = r"(?P<name>[A-Za-z0-9_.\-]{1,64})"
# More whitespace than this is no part of a call: what may still become one is held back from the
# client, and that has to end.
_SPACE = r"\s{0,32}"
_PIECES = regex.compile(r'"[^"]*"|\s+|[{}\[\]:,;]|[^\s{}\[\]:,;"]+')


@dataclass(frozen=True)
class CallSyntax:
    """The text of calls: opening, call, (separator, call)*, closing.

    A call has $name and $arguments in their places, and $id where a model may write one.
    """

    call: str
    opening: str = ""
    separator: str = ""
    closing: str = ""

    @property
    def before_name(self) -> str:
        """The text of a call before the tool's name."""
        return self.call.partition("$name")[0]

    @property
    def before_arguments(self) -> str:
        """The text of a call between the tool's name and its arguments."""
        return self.call.partition("$name")[2].partition("$arguments")[0]

    @property
    def after_arguments(self) -> str:
        """The text of a call after its arguments."""
        return self.call.partition("$arguments")[2]

    @cached_property
    def head(self) -> Any:
        """Matches up to the arguments of the first call."""
        return regex.compile(
            _lenient(self.opening + self.call.partition("$arguments")[0]).removeprefix(_SPACE)
        )

    @cached_property
    def next_head(self) -> Any:
        """Matches from the end of one call's arguments to the beginning of the next one's."""
        head = self.call.partition("$arguments")[0]
        return regex.compile(_lenient(self.after_arguments + self.separator + head))

    @cached_property
    def tail(self) -> Any:
        """Matches what follows the arguments of the last call."""
        return regex.compile(_lenient(self.after_arguments + self.closing))


@dataclass(frozen=True)
class CallFormat:
    """The syntax that a family writes, first, and others that its models write as well.

    `markers` are parts of the syntax that can be special tokens of a vocabulary. Calls without any
    mark are only calls at the beginning of an answer: they are `anchored`.
    """

    name: str
    syntaxes: tuple[CallSyntax, ...]
    markers: tuple[str, ...] = ()
    anchored: bool = False

    @property
    def written(self) -> CallSyntax:
        """The syntax of constrained answers."""
        return self.syntaxes[0]


def _lenient(text: str) -> str:
    """A pattern for the text, with any whitespace around its punctuation."""
    pieces = [regex.escape(piece) for piece in _PIECES.findall(text) if not piece.isspace()]
    pattern = _SPACE.join(["", *pieces, ""])
    return pattern.replace(r"\$name", _NAME).replace(r"\$id", r'[^"]{0,64}')
