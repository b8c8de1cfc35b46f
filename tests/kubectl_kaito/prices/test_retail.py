"""Azure's price list over loopback, in the shape that its API answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kaito_skus.price_sheet import Price
from kubectl_kaito.prices.retail import RetailPrices
from kubectl_kaito.prices.source import PricesUnavailable
from tests.kubectl_kaito.loopback import serving

NOW = datetime(2026, 11, 28, tzinfo=UTC)
A100 = "Standard_NC24ads_A100_v4"


def item(price: float, **changes: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "eastus",
        "meterName": "NC24ads A100 v4",
        "productName": "NCads A100 v4 Series Linux",
        "skuName": "NC24ads A100 v4",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": A100,
        **changes,
    }


def page(*items: dict[str, Any], following: str | None = None) -> tuple[int, dict[str, Any]]:
    return 200, {"Items": list(items), "NextPageLink": following, "Count": len(items)}


def read(*answers: tuple[int, Any]) -> dict[str, Price]:
    with serving(*answers) as server:
        return dict(RetailPrices(lambda: NOW, server.url).read("eastus", [A100]).prices)


def test_linux_prices_are_told_from_windows_spot_and_low_priority() -> None:
    found = read(
        page(
            item(3.673),
            item(6.9, productName="NCads A100 v4 Series Windows"),
            item(0.9, skuName="NC24ads A100 v4 Spot", meterName="NC24ads A100 v4 Spot"),
            item(0.7, skuName="NC24ads A100 v4 Low Priority"),
            item(0.1, type="Reservation"),
            item(0.1, unitOfMeasure="1 Month"),
            item(0.0),
            item(float("inf")),
            item(0.1, currencyCode="EUR"),
            item(0.1, armRegionName="westus"),
            item(0.1, armSkuName="Standard_Other"),
        )
    )
    assert found == {A100: Price(on_demand=3.673, spot=0.9)}


def test_all_pages_are_read() -> None:
    with serving() as server:
        server.answers = [
            page(item(5.0), following="https://prices.azure.com:443/api?page=2"),
            page(item(4.0)),
        ]
        sheet = RetailPrices(lambda: NOW, server.url).read("eastus", [A100])
    assert sheet.prices[A100].on_demand == 4.0
    assert (sheet.region, sheet.read_at) == ("eastus", NOW)
    # Azure's own host in the link, which a mirror passes on, is not asked.
    assert server.requests[1][1] == "/?page=2"


def test_many_instance_types_are_asked_for_in_short_requests() -> None:
    names = [f"Standard_N{number}" for number in range(31)]
    with serving(page(), page(), page()) as server:
        assert RetailPrices(lambda: NOW, server.url).read("westeurope", names).prices == {}
    assert len(server.requests) == 3
    assert all("armRegionName+eq+%27westeurope%27" in r[1] for r in server.requests)
    assert all(len(r[1]) < 2000 for r in server.requests)


@pytest.mark.parametrize(
    "answer",
    [(500, "away"), (429, "slow down"), (200, "<html>"), (200, "[]"), (200, "{}")],
    ids=["error", "throttled", "no JSON", "a list", "no items"],
)
def test_a_list_that_is_away_or_broken_is_unavailable(answer: tuple[int, Any]) -> None:
    with pytest.raises(PricesUnavailable, match="gives no prices"):
        read(answer)


def test_a_list_without_end_is_not_followed_forever() -> None:
    with serving() as server:
        server.answers = [page(item(5.0), following=f"{server.url}/?page={n}") for n in range(40)]
        RetailPrices(lambda: NOW, server.url).read("eastus", [A100])
    assert len(server.requests) == 20


def test_nothing_listens() -> None:
    with pytest.raises(PricesUnavailable):
        RetailPrices(lambda: NOW, "http://127.0.0.1:1/").read("eastus", [A100])
