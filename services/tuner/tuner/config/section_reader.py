"""Reading one section: a mapping from YAML into a frozen dataclass, with errors for its author."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tuner.errors import RunError
from tuner.reasons import Reason

Section = TypeVar("Section")

WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def read_section(
    cls: type[Section], name: str, values: Mapping[str, Any], ignored: Collection[str] = ()
) -> Section:
    """`values` as a `cls`; the keys in `ignored` are taken and dropped.

    Errors: RunError(CONFIG_INVALID) for an unknown key or a value of the wrong type.
    """
    known = [one.name for one in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known and key not in ignored:
            raise unknown_key(f"section {name}", "key", key, known)
    types = get_type_hints(cls)
    given = {
        key: _convert(value, types[key], f"{name}.{key}")
        for key, value in values.items()
        if key not in ignored
    }
    return cls(**given)


def unknown_key(where: str, what: str, key: object, known: Iterable[str]) -> RunError:
    """The error for a `key` that is none of `known`, with the closest one that is."""
    known = sorted(known)
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}"
    return invalid(f"{where} has the unknown {what} {key!r}; {hint}")


def invalid(message: str) -> RunError:
    """A RunError(CONFIG_INVALID) that points at the file."""
    return RunError(Reason.CONFIG_INVALID, f"training_config.yaml: {message}")


def _convert(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise invalid(f"{where} is {value!r}; use one of: {', '.join(get_args(kind))}")
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return None
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
        return _convert(value, kind, where)
    if get_origin(kind) is list:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        raise invalid(f"{where} is {value!r}; use a list of texts")
    return _scalar(value, kind, where)


def _scalar(value: Any, kind: type, where: str) -> Any:
    if kind is float and not isinstance(value, bool):
        # YAML 1.1 reads 1e-4 (without a dot) as text.
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise invalid(f"{where} is {value!r}; use {WORDS[kind]}")
