"""Durations in Go's format, such as "720h" and "1h30m"."""

import re
from datetime import timedelta
from decimal import Decimal

_UNITS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
    "us": Decimal("0.000001"),
    "µs": Decimal("0.000001"),
    "ns": Decimal("0.000000001"),
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|m|s|us|µs|ns)")
_FORM = re.compile(rf"(?:{_PART.pattern})+")
# Far beyond any use; a larger one could overflow when it is added to a date.
_LONGEST = timedelta(days=100 * 365)


def parse(text: str) -> timedelta:
    """The duration that the text denotes.

    Raises:
        ValueError: it is not a duration or too long; names the text and the expected format.
    """
    if not _FORM.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration: expected for example 720h, 1h30m or 45s")
    seconds = sum(Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is too long a duration: the maximum is 100 years")
    return timedelta(seconds=float(seconds))
