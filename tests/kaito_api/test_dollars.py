"""Amounts of US dollars, as users write them and as messages show them."""

from decimal import Decimal

import pytest

from kaito_api.dollars import format_dollars, parse_dollars


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", "0"), ("3", "3"), ("3.5", "3.5"), ("27.197", "27.197"), ("0.73457", "0.7346")],
)
def test_decimal_numbers_are_amounts(text: str, amount: str) -> None:
    assert parse_dollars(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["", " 3", "$3", "3,50", "3.", ".5", "-1", "1e3", "inf", "nan", "٣", "3.50 USD", "9" * 30],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_dollars(text) is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("3", "$3.00"), ("3.06", "$3.06"), ("0.752", "$0.752"), ("98.32", "$98.32"), ("0", "$0.00")],
)
def test_amounts_are_shown_with_cents(amount: str, shown: str) -> None:
    assert format_dollars(Decimal(amount)) == shown
