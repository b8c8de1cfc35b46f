"""What a machine costs, and where the figure is from."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.prices import PriceBook

NOW = datetime(2026, 11, 28, tzinfo=UTC)
V100 = "Standard_NC6s_v3"
LISTED = "Azure Retail Prices API, westeurope, read 2026-11-28"
SPOT = "Azure Retail Prices API, westeurope, spot, read 2026-11-28"
RECORDED = "recorded 2025, eastus: approximate pay-as-you-go list prices, Linux"


def book(**prices: Price) -> PriceBook:
    return PriceBook(PriceSheet("westeurope", prices, NOW))


@pytest.mark.parametrize(
    ("given", "spot", "dollars", "source"),
    [
        (PriceBook(), False, "3.06", RECORDED),
        (PriceBook(), True, "3.06", RECORDED),
        (book(), False, "3.06", RECORDED),
        (book(Standard_NC6s_v3=Price(3.823, 0.7)), False, "3.823", LISTED),
        (book(Standard_NC6s_v3=Price(3.823, 0.7)), True, "0.7", SPOT),
        (book(Standard_NC6s_v3=Price(3.823)), True, "3.823", LISTED),
        (book(Standard_NC6s_v3=Price(None, 0.7)), False, "3.06", RECORDED),
    ],
)
def test_the_list_comes_before_the_records(
    given: PriceBook, spot: bool, dollars: str, source: str
) -> None:
    found = given.quote(V100.lower(), spot=spot)
    assert found is not None
    assert (found.per_hour, found.source) == (Decimal(dollars), source)
    assert found.listed == source.startswith("Azure")


def test_the_list_of_azure_says_nothing_about_other_clouds() -> None:
    found = PriceBook(PriceSheet("eastus", {"p3.2xlarge": Price(0.01)}, NOW)).quote("p3.2xlarge")
    assert found is not None and found.per_hour == Decimal("3.06")


@pytest.mark.parametrize("name", ["", "Standard_XYZ", "Standard_NK6"])
def test_a_price_that_nobody_knows_is_none(name: str) -> None:
    assert PriceBook().quote(name) is None
