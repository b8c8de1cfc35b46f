"""Kubernetes quantities as exact numbers."""

from decimal import Decimal

import pytest

from kaito_api import quantity

# From the tests of k8s.io/apimachinery's resource.Quantity, and one for each suffix.
VALUES = [
    ("0", 0), ("0n", 0), ("0.0Ki", 0), ("400", 400), ("50Gi", 50 * 2**30), ("1.5Gi", 3 * 2**29),
    ("100n", Decimal("1e-7")), ("5u", Decimal("5e-6")), ("500m", Decimal("0.5")),
    ("2k", 2000), ("3M", 3 * 10**6), ("4G", 4 * 10**9), ("5T", 5 * 10**12), ("6P", 6 * 10**15),
    ("1E", 10**18), ("9E", 9 * 10**18),
    ("1Ki", 2**10), ("1Mi", 2**20), ("1Ti", 2**40), ("1Pi", 2**50), ("1Ei", 2**60),
    (".5Gi", 2**29), (".5", Decimal("0.5")), ("1.", 1), ("1.Gi", 2**30),
    ("0.025Ti", Decimal("27487790694.4")),
    ("1e3", 1000), ("1E3", 1000), ("1e+3", 1000), ("1E-3", Decimal("0.001")), (".1e2", 10),
    ("1E6", 10**6), ("1.1E18", 11 * 10**17), ("-1", -1), ("+1Gi", 2**30), ("-.25k", -250),
    ("-1E-6", Decimal("-1e-6")), (7, 7), (0.5, Decimal("0.5")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[str(text) for text, _ in VALUES])
def test_quantity_is_parsed(text: str | float, value: Decimal) -> None:
    assert quantity.parse(text) == value


# Of the same tests, what Kubernetes refuses.
INVALID = [
    "", "much", "5 Gb", "Gi", "1GiB", "--1", "1e", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu",
    ".5i", "1i", "-3.01i", "1K", "1Mib", ".", "+", "-", "1e3Gi", "1e1.5", "1 Gi", "1g", "٣",
    "1e9999", "Infinity", "NaN", "0x10", "1_000",
]  # fmt: skip


@pytest.mark.parametrize("text", INVALID)
def test_invalid_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity: expected a number such as"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "gib"), [("50Gi", 50), ("50G", 47), ("1", 1), ("0", 0), ("1025Mi", 2)]
)
def test_gib_is_rounded_up(text: str, gib: int) -> None:
    assert quantity.gib(text) == gib
