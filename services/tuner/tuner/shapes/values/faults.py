"""What is wrong with a row, in words for its author."""

import reprlib
from typing import Any

from tuner.rows.row import LossCause, RowFault

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxdict = _SHORT.maxlist = 3


def malformed(where: str, value: Any, expected: str) -> RowFault:
    """The fault that the value at `where` is not what is `expected`."""
    return RowFault(LossCause.MALFORMED, f"{where} is {quote(value)}; {expected}")


def empty(where: str, value: Any, expected: str = "it must hold text") -> RowFault:
    """The fault that there is nothing at `where`."""
    return RowFault(LossCause.EMPTY, f"{where} is {quote(value)}; {expected}")


def no_answer(where: str, problem: str) -> RowFault:
    """The fault that the model can learn nothing from the conversation at `where`."""
    return RowFault(LossCause.NO_ANSWER, f"{where} {problem}")


def quote(value: Any) -> str:
    """`value` as text of at most some hundred characters."""
    return "null" if value is None else _SHORT.repr(value)
