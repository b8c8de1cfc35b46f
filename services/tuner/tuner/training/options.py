"""The user's options as an object of the library that takes them."""

from collections.abc import Mapping
from typing import Any

from tuner.config.errors import config_invalid


def construct(section: str, cls: type, options: Mapping[str, Any]) -> Any:
    """`cls(**options)`. Keys and types are checked already; the library checks combinations.

    Raises:
        RunError: CONFIG_INVALID, `cls` rejects a value; the message quotes it.
    """
    try:
        return cls(**options)
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        raise config_invalid(f"section {section}: {error}") from error
