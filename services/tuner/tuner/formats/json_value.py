"""One JSON value, as Python's decoder reads it, within the limits of a row."""

import json
import re
from typing import Any

from tuner.formats.limits import MAX_NESTING

# NaN and infinity are not JSON, but pandas and Python write them for missing values.
DECODER = json.JSONDecoder(parse_constant=lambda _: None)
SPACE = re.compile(r"[ \t\n\r]*")
UNTERMINATED = "a text that starts here does not end"
EXTRA_DATA = "there is something after the value"
# The longest token that the end of a text can cut: "\uD83D\uDE00", an escaped emoji.
LONGEST_TOKEN = 12


# For the messages of Python's decoder that end in "at", or leave open what is meant.
IN_PLAIN_WORDS = {
    "Invalid control character at": "a line end or another control character is within a text",
    "Unterminated string starting at": UNTERMINATED,
    "Extra data": EXTRA_DATA,
}


class JsonFault(Exception):
    """`problem` at `position` in the text."""

    def __init__(self, problem: str, position: int, *, is_cut: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.position = position
        self.is_cut = is_cut
        """The text may only be incomplete."""


def decode(text: str, start: int = 0) -> tuple[Any, int]:
    """The value that begins at `start` in `text`, and where it ends.

    Raises:
        JsonFault: there is no such value, or it is nested too deep.
    """
    try:
        value, end = DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        is_cut = error.msg.startswith("Unterminated string") or (
            error.pos >= len(text) - LONGEST_TOKEN
        )
        problem = IN_PLAIN_WORDS.get(error.msg, error.msg[:1].lower() + error.msg[1:])
        raise JsonFault(problem, error.pos, is_cut=is_cut) from None
    except RecursionError:
        raise JsonFault(f"nested deeper than {MAX_NESTING} levels", start) from None
    except ValueError as error:
        # Python converts no number of more than 4,300 digits.
        raise JsonFault("a number has too many digits", start) from error
    brackets = text.count("[", start, end) + text.count("{", start, end)
    if brackets > MAX_NESTING and _depth(value) > MAX_NESTING:
        raise JsonFault(f"nested deeper than {MAX_NESTING} levels", start)
    if "\\u" in text[start:end]:
        value = _without_lone_surrogates(value)
    return value, end


def decode_only(text: str) -> Any:
    """The value that `text` consists of.

    Raises:
        JsonFault: there is none, or more than one.
    """
    value, end = decode(text, _after_space(text, 0))
    end = _after_space(text, end)
    if end < len(text):
        raise JsonFault(EXTRA_DATA, end)
    return value


def _after_space(text: str, start: int) -> int:
    match = SPACE.match(text, start)
    return match.end() if match else start


def _depth(value: Any) -> int:
    """The number of levels of arrays and objects in `value`."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [x for item in level for x in (item.values() if isinstance(item, dict) else item)]
    return depth


def _without_lone_surrogates(value: Any) -> Any:
    """`value` with halves of a character, which no encoding can express, replaced by U+FFFD."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {
                _without_lone_surrogates(key): _without_lone_surrogates(item)
                for key, item in value.items()
            }
        case list():
            return [_without_lone_surrogates(item) for item in value]
        case _:
            return value
