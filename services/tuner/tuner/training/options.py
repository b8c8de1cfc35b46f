"""The user's options, checked against the dataclass of the library that takes them."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from tuner.config.section_reader import config_invalid, unknown_key
from tuner.config.sections import Options


def check_options(section: str, options: Options, cls: type) -> dict[str, Any]:
    """`options` as keyword arguments of the dataclass `cls`.

    Raises:
        RunError: CONFIG_INVALID, `cls` has no such field.
    """
    known = {field.name: field for field in fields(cls) if field.init}
    for key in options:
        if key not in known:
            raise unknown_key(f"section {section}", "key", key, known)
    return {key: _as_number(value, known[key]) for key, value in options.items()}


def construct(section: str, cls: type, options: Mapping[str, Any]) -> Any:
    """`cls(**options)`.

    Raises:
        RunError: CONFIG_INVALID, `cls` rejects a value; the message quotes it.
    """
    try:
        return cls(**options)
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        raise config_invalid(f"section {section}: {error}") from error


def _as_number(value: Any, field: Field[Any]) -> Any:
    """YAML 1.1 reads 1e-4 (without a dot) as a string."""
    if not isinstance(value, str) or "float" not in str(field.type):
        return value
    try:
        return float(value)
    except ValueError:
        return value
