"""Azure's price list over loopback, in the shape that its API answers."""

from typing import Any

import pytest

from kaito_skus.price_sheet import Price
from tests.kubectl_kaito.loopback import serving
from workspace_controller.prices.http_price_list import HttpPriceList
from workspace_controller.prices.price_list import PriceListAway

V100 = "Standard_NC6s_v3"


def item(price: float, **changes: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "retailPrice": price,
        "armRegionName": "westeurope",
        "meterName": "NC6s v3",
        "productName": "Virtual Machines NCSv3 Series",
        "skuName": "NC6s v3",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": V100,
        **changes,
    }


def page(*items: dict[str, Any], following: str | None = None) -> tuple[int, dict[str, Any]]:
    return 200, {"BillingCurrency": "USD", "Items": list(items), "NextPageLink": following}


async def test_prices_of_all_pages_are_read_by_region_and_instance_type() -> None:
    link = "https://prices.azure.com:443/api/retail/prices?$filter=x&$skip=1000"
    windows = item(5.0, productName="Virtual Machines NCSv3 Series Windows")
    spot = item(0.6, skuName="NC6s v3 Spot", meterName="NC6s v3 Spot")
    with serving(page(item(3.8), windows, following=link), page(spot)) as server:
        found = await HttpPriceList(server.url).read("westeurope", [V100])
    assert found == {V100: Price(3.8, 0.6)}
    first, second = (request[1] for request in server.requests)
    for part in ("armRegionName+eq+", "armSkuName+eq+", V100, "currencyCode=USD", "westeurope"):
        assert part in first
    assert second.endswith("?$filter=x&$skip=1000")


@pytest.mark.parametrize(
    "answer",
    [
        (500, "away"),
        (429, "slow down"),
        (301, "elsewhere"),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, "[" * 100_000),
        (200, " " * 5_000_000),
    ],
    ids=["error", "throttled", "moved", "no JSON", "list", "no items", "nested", "huge"],
)
async def test_a_list_that_is_away_or_broken_says_why(answer: tuple[int, Any]) -> None:
    with serving(answer) as server, pytest.raises(PriceListAway, match=server.url):
        await HttpPriceList(server.url).read("westeurope", [V100])


async def test_nothing_listens() -> None:
    with pytest.raises(PriceListAway, match=r"127\.0\.0\.1"):
        await HttpPriceList("http://127.0.0.1:1/").read("westeurope", [V100])
