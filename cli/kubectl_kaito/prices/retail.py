"""Azure's public price list, the Retail Prices API. It needs no account.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2

from kubectl_kaito.prices.source import Price, PriceSheet, PricesUnavailable

URL = "https://prices.azure.com/api/retail/prices"
# The first version whose filters compare case, and that knows the primary meter.
_API_VERSION = "2023-01-01-preview"
_TIMEOUT_SECONDS = 5.0
# Instance types of one request: the URL's length is limited.
_CHUNK = 15
# Far more than any region has: a list that never ends is not one.
_MAX_PAGES = 20


class RetailPrices:
    def __init__(self, now: Callable[[], datetime], url: str = URL) -> None:
        self._now = now
        self._url = url

    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        found: dict[str, Price] = {}
        try:
            with httpx2.Client(timeout=_TIMEOUT_SECONDS) as client:
                for start in range(0, len(instance_types), _CHUNK):
                    chunk = instance_types[start : start + _CHUNK]
                    found |= parse(_items(client, self._url, region, chunk), chunk)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            detail = " ".join(f"{type(error).__name__} {error}".split())[:200]
            raise PricesUnavailable(f"{self._url} gives no prices: {detail}") from error
        return PriceSheet(region, found, self._now())


def parse(items: Iterator[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Price]:
    """The cheapest Linux price of each kind. Windows and low-priority machines are left out."""
    spelled = {name.casefold(): name for name in names}
    found: dict[str, Price] = {}
    for item in items:
        name = spelled.get(str(item.get("armSkuName")).casefold())
        price = item.get("retailPrice")
        if name is None or not isinstance(price, int | float) or price <= 0:
            continue
        meter = f"{item.get('skuName')} {item.get('meterName')}"
        if "Windows" in str(item.get("productName")) or "Low Priority" in meter:
            continue
        if item.get("unitOfMeasure") != "1 Hour" or item.get("type") != "Consumption":
            continue
        known = found.get(name, Price())
        if "Spot" in meter:
            found[name] = Price(known.on_demand, _cheaper(known.spot, price))
        else:
            found[name] = Price(_cheaper(known.on_demand, price), known.spot)
    return found


def _items(
    client: httpx2.Client, url: str, region: str, names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    skus = " or ".join(f"armSkuName eq '{name}'" for name in names)
    query: dict[str, str] | None = {
        "api-version": _API_VERSION,
        "currencyCode": "USD",
        "meterRegion": "'primary'",
        "$filter": "serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and "
        f"armRegionName eq '{region}' and ({skus})",
    }
    following: str | None = url
    for _ in range(_MAX_PAGES):
        if following is None:
            return
        response = client.get(following, params=query)
        response.raise_for_status()
        page = response.json()
        if not isinstance(page, dict) or not isinstance(page.get("Items"), list):
            raise ValueError("the answer has no Items")
        yield from (item for item in page["Items"] if isinstance(item, dict))
        # The link to the next page repeats the query.
        following, query = page.get("NextPageLink") or None, None


def _cheaper(known: float | None, price: float) -> float:
    return price if known is None else min(known, price)
