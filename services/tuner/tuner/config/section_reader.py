"""Reads one section, a mapping from YAML, into a frozen dataclass, with errors for its author."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tuner.errors import RunError
from tuner.reasons import Reason

Section = TypeVar("Section")

TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}


def read_section(
    cls: type[Section], name: str, values: Mapping[str, Any], ignored: Collection[str] = ()
) -> Section:
    """`values` as a `cls`. The keys in `ignored` are accepted and dropped.

    Raises:
        RunError: CONFIG_INVALID, a key is unknown or a value has the wrong type.
    """
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known and key not in ignored:
            raise unknown_key(f"section {name}", "key", key, known)
    types = get_type_hints(cls)
    converted = {
        key: _convert(value, types[key], f"{name}.{key}")
        for key, value in values.items()
        if key not in ignored
    }
    return cls(**converted)


def unknown_key(where: str, what: str, key: object, known: Iterable[str]) -> RunError:
    """The error for a `key` that is not among `known`, with the closest one that is."""
    known = sorted(known)
    # Below difflib's default of 0.6: a lenient hint is better than a long list of keys.
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}"
    return config_invalid(f"{where} has the unknown {what} {key!r}; {hint}")


def config_invalid(message: str) -> RunError:
    """A RunError(CONFIG_INVALID) that names the file."""
    return RunError(Reason.CONFIG_INVALID, f"training_config.yaml: {message}")


def _convert(value: Any, type_: Any, where: str) -> Any:
    if get_origin(type_) is Literal:
        if value in get_args(type_):
            return value
        raise config_invalid(f"{where} is {value!r}; use one of: {', '.join(get_args(type_))}")
    if get_origin(type_) in (Union, UnionType):
        if value is None:
            return None
        (type_,) = (member for member in get_args(type_) if member is not NoneType)
        return _convert(value, type_, where)
    if get_origin(type_) is list:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise config_invalid(f"{where} is {value!r}; use a list of strings")
    return _scalar(value, type_, where)


def _scalar(value: Any, type_: type, where: str) -> Any:
    if type_ is float and not isinstance(value, bool):
        # YAML 1.1 reads 1e-4 (without a dot) as a string.
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    # In Python a bool is an int, too; in a configuration it is a mistake.
    elif isinstance(value, type_) and (type_ is bool or not isinstance(value, bool)):
        return value
    raise config_invalid(f"{where} is {value!r}; use {TYPE_NAMES[type_]}")
