"""The types of options, as text: alternatives separated by " | ".

An alternative is `null`, `false`, `bool`, `int`, `float`, `str`, `dict`, `dict[int]`,
`dict[float]`, `list`, `list[int]`, `list[str]`, or one value in quotes. The text can be generated
from a library's annotations and committed.
"""

import json
import reprlib
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from kaito_training.errors import ConfigError
from kaito_training.ranges import Range

_NAMES = {bool: "bool", int: "int", float: "float", str: "str", NoneType: "null"}
# In the order in which alternatives are written; values in quotes come before null.
_DESCRIPTIONS = {
    "false": "false",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "dict": "a mapping",
    "dict[int]": "a mapping of names to whole numbers of at least 1",
    "dict[float]": "a mapping of names to numbers above 0 and at most 1000",
    "list": "a list",
    "list[int]": "a list of whole numbers",
    "list[str]": "a list of strings",
    "null": "null",
}
_ORDER = list(_DESCRIPTIONS)
_MISFIT = object()


def type_text(annotation: Any) -> str:
    """The text of a Python `annotation`. Classes that YAML cannot express are left out."""
    # A fixed order: `typing` caches unions, and gives one in the order of the first that equals it.
    alternatives = sorted(dict.fromkeys(_alternatives(annotation)), key=_order)
    return " | ".join(alternatives)


def convert(value: Any, text: str, bounds: Range | None, where: str) -> Any:
    """`value`, read from YAML, as one of the alternatives in `text`.

    Raises:
        ConfigError: it is none of them, or out of `bounds`.
    """
    alternatives = text.split(" | ")
    for alternative in alternatives:
        converted = _convert(value, alternative)
        if converted is _MISFIT:
            continue
        if bounds is not None and _is_number(converted) and not bounds.contains(converted):
            break
        return converted
    raise ConfigError(f"{where} is {quote(value)}; use {_describe(alternatives, bounds)}")


def quote(value: Any) -> str:
    """`value` for a message, shortened."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return short.repr(value)


def _alternatives(annotation: Any) -> list[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES or annotation is None:
        return [_NAMES.get(annotation, "null")]
    if origin is Literal:
        return ["bool" if isinstance(each, bool) else json.dumps(each) for each in arguments]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [json.dumps(member.value) for member in annotation]
    if origin in (Union, UnionType):
        enums = [each for each in arguments if isinstance(each, type) and issubclass(each, Enum)]
        # An enumeration beside `str` means its values: the other strings are refused later.
        kept = [each for each in arguments if not (enums and each is str)]
        return [text for each in kept for text in _alternatives(each)]
    if annotation is dict or origin is dict:
        return ["dict[float]" if arguments == (str, float) else "dict"]
    if annotation is list or origin is list:
        item = arguments[0] if arguments else None
        return [f"list[{_NAMES[item]}]" if item in (int, str) else "list"]
    return []


def _order(alternative: str) -> float:
    if alternative.startswith('"'):
        return len(_ORDER) - 1.5
    return _ORDER.index(alternative)


def _convert(value: Any, alternative: str) -> Any:
    if alternative.startswith('"'):
        text = json.loads(alternative)
        # YAML 1.1 reads a bare `no` or `off` as false.
        return text if value == text or (value is False and text in ("no", "off")) else _MISFIT
    if alternative == "false":
        return value if value is False else _MISFIT
    if alternative in ("int", "float"):
        return _number(value, whole=alternative == "int")
    if alternative.startswith("list["):
        if not isinstance(value, list):
            return _MISFIT
        items = [_convert(item, alternative[5:-1]) for item in value]
        return _MISFIT if _MISFIT in items else items
    if alternative.startswith("dict["):
        return _convert_numbers(value, alternative)
    types = {"null": NoneType, "bool": bool, "str": str, "dict": dict, "list": list}
    return value if isinstance(value, types[alternative]) else _MISFIT


def _convert_numbers(value: Any, alternative: str) -> Any:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return _MISFIT
    whole = alternative == "dict[int]"
    numbers = {key: _number(number, whole=whole) for key, number in value.items()}
    fits = all(
        _is_number(each) and (each >= 1 if whole else 0 < each <= 1000) for each in numbers.values()
    )
    return numbers if fits else _MISFIT


def _number(value: Any, whole: bool) -> Any:
    # In Python a bool is an int, too; in a configuration it is a mistake.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _MISFIT
    try:
        # A number in quotes cannot mean anything else.
        number = float(value)
        if whole:
            return int(value if isinstance(value, int) else number) if number % 1 == 0 else _MISFIT
    except (ValueError, OverflowError):
        return _MISFIT
    return number if abs(number) != float("inf") and number == number else _MISFIT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _describe(alternatives: list[str], bounds: Range | None) -> str:
    described, values = [], []
    for each in alternatives:
        if each.startswith('"'):
            values.append(json.loads(each))
        elif each != "null":
            limit = f" {bounds}" if bounds is not None and each in ("int", "float") else ""
            described.append(_DESCRIPTIONS[each] + limit)
    if values:
        described.append(values[0] if len(values) == 1 else f"one of: {', '.join(values)}")
    if "null" in alternatives:
        described.append("null")
    return ", or ".join(described)
