"""Kubernetes quantities such as "50Gi" and "500m", parsed to exact numbers.

The clients' parsers are no better: lightkube's knows neither "n" nor "u" and rounds to thousandths,
and types of resources must not depend on a client. A table of Kubernetes' own cases holds this one
to its grammar.
"""

import math
import re
from decimal import Decimal

# The suffixes of k8s.io/apimachinery's resource.Quantity. Values are exact: floats would round
# large byte counts.
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SUFFIXES = {
    **{suffix: Decimal(1).scaleb(exponent) for suffix, exponent in _DECIMAL.items()},
    **{suffix: Decimal(2**exponent) for suffix, exponent in _BINARY.items()},
}
# A number with a suffix, or with an exponent in its place: 1E is an exa, and 1E3 is a thousand.
_FORM = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)",
    re.ASCII,
)

GIB = 2**30


def parse(text: str | int | float) -> Decimal:
    """The quantity's value in its base unit (bytes, cores, items).

    Raises:
        ValueError: the text is not a quantity; names it and the expected format.
    """
    match = _FORM.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: expected a number such as 400, 50Gi or 500m")
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * _SUFFIXES[suffix or ""]


def gib(text: str | int | float) -> int:
    """The quantity in whole GiB, rounded up, as cloud disks are sized."""
    return math.ceil(parse(text) / GIB)
