"""Options of the user, checked against the dataclass of the library that takes them."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from tuner.config.sections import Options
from tuner.config.typed import invalid, unknown_key


def check_options(section: str, options: Options, cls: type) -> dict[str, Any]:
    """`options` as keyword arguments of the dataclass `cls`.

    Errors: RunError(CONFIG_INVALID) naming the key that `cls` does not know.
    """
    known = {one.name: one for one in fields(cls) if one.init}
    for key in options:
        if key not in known:
            raise unknown_key(f"section {section}", "key", key, known)
    return {key: _number(value, known[key]) for key, value in options.items()}


def build(section: str, cls: type, options: Mapping[str, Any]) -> Any:
    """`cls(**options)`.

    Errors: RunError(CONFIG_INVALID) with what `cls` says against a value.
    """
    try:
        return cls(**options)
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        raise invalid(f"section {section}: {error}") from error


def _number(value: Any, field: Field[Any]) -> Any:
    """YAML 1.1 reads 1e-4 (without a dot) as text."""
    if not isinstance(value, str) or "float" not in str(field.type):
        return value
    try:
        return float(value)
    except ValueError:
        return value
