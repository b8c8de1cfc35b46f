"""Kubernetes quantities such as "50Gi" and "500m", parsed to exact numbers."""

import math
import re
from decimal import Decimal

# Decimal and binary suffixes as in k8s.io/apimachinery's resource.Quantity. Values are exact:
# floats would round large byte counts.
_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
}
_FORM = re.compile(r"^([+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)([kMGTPm]|[KMGTP]i)?$")

GIB = 2**30


def parse(text: str | int | float) -> Decimal:
    """The quantity's value in its base unit (bytes, cores, items).

    Raises:
        ValueError: the text is not a quantity; names it and the expected format.
    """
    match = _FORM.match(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: expected a number such as 400, 50Gi or 500m")
    return Decimal(match.group(1)) * _SUFFIXES[match.group(2) or ""]


def gib(text: str | int | float) -> int:
    """The quantity in whole GiB, rounded up, as cloud disks are sized."""
    return math.ceil(parse(text) / GIB)
