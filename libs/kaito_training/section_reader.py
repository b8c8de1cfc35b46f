"""Reads one section, a mapping from YAML, with errors for its author."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, get_type_hints

from kaito_training.errors import ConfigError
from kaito_training.option_types import convert, type_text
from kaito_training.ranges import NARROWED, RANGES, REFUSED

Section = TypeVar("Section")


def read_section(
    cls: type[Section], name: str, values: Mapping[str, Any], ignored: Collection[str] = ()
) -> Section:
    """`values` as a `cls`, a dataclass. The keys in `ignored` are accepted and dropped.

    Raises:
        ConfigError: a key is unknown, or a value has the wrong type or is out of range.
    """
    return cls(**read_options(name, values, _types_of(cls), ignored))  # type: ignore[arg-type]


@cache
def _types_of(cls: type[Any]) -> Mapping[str, str]:
    """The types of a dataclass's fields. They never change, and resolving them is slow."""
    hints = get_type_hints(cls)
    keys = [field.name for field in fields(cls) if field.metadata.get("key", True)]
    return {name: type_text(hints[name]) for name in keys}


def read_options(
    name: str, values: Mapping[str, Any], types: Mapping[str, str], ignored: Collection[str] = ()
) -> dict[str, Any]:
    """`values` with the `types` of their keys (see `option_types`).

    Raises:
        ConfigError: a key is unknown, or a value has the wrong type or is out of range.
    """
    options = {}
    for key, value in values.items():
        if key in ignored:
            continue
        if key not in types:
            raise unknown_key(f"section {name}", "key", key, types)
        where = f"{name}.{key}"
        if isinstance(value, str | bool) and value in REFUSED.get(where, ()):
            raise ConfigError(f"{where} is {value!r}; {REFUSED[where][value]}")
        type_ = NARROWED.get(where, types[key])
        options[key] = convert(value, type_, RANGES.get(where), where)
    return options


def unknown_key(where: str, what: str, key: object, known: Iterable[str]) -> ConfigError:
    """The error for a `key` that is not among `known`, with the closest one that is."""
    known = sorted(known)
    # Below difflib's default of 0.6: a lenient hint is better than a long list of keys.
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}"
    return ConfigError(f"{where} has the unknown {what} {key!r}; {hint}")
