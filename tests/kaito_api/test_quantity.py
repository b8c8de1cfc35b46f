"""Kubernetes quantities as exact numbers."""

from decimal import Decimal

import pytest

from kaito_api import quantity

VALUES = [
    ("0", 0), ("400", 400), ("50Gi", 50 * 2**30), ("1.5Gi", 3 * 2**29), ("500m", Decimal("0.5")),
    ("2k", 2000), ("3M", 3 * 10**6), ("1Ti", 2**40), ("1e3", 1000), (7, 7),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[str(text) for text, _ in VALUES])
def test_quantity_is_parsed(text: str, value: Decimal) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["", "much", "5 Gb", "Gi", "1GiB", "--1", "1e"])
def test_invalid_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity: expected a number such as"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "gib"), [("50Gi", 50), ("50G", 47), ("1", 1), ("0", 0), ("1025Mi", 2)]
)
def test_gib_is_rounded_up(text: str, gib: int) -> None:
    assert quantity.gib(text) == gib
