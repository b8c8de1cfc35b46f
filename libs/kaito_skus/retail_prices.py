"""Azure's public price list, the Retail Prices API: what to ask, and what its pages say.

It needs no account. Clients send the requests; this module opens no connection.
https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from kaito_skus.price_sheet import Price

URL = "https://prices.azure.com/api/retail/prices"
# Far more than any region has: a list that never ends is not one.
MAX_PAGES = 20
# The first version whose filters compare case, and that knows the primary meter.
_API_VERSION = "2023-01-01-preview"
# Other currencies are estimates: Azure sets its prices in US dollars.
_CURRENCY = "USD"
# Instance types of one request: the URL's length is limited.
_CHUNK = 15
# Above what any machine costs an hour. JSON's readers accept Infinity.
_MOST_DOLLARS = 1e6


@dataclass(frozen=True, slots=True)
class Page:
    """`next_url` is None on the last page."""

    items: Sequence[Mapping[str, Any]]
    next_url: str | None


def queries(region: str, instance_types: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The parameters of each first page: without a filter the list takes 20 minutes."""
    for start in range(0, len(instance_types), _CHUNK):
        skus = " or ".join(
            f"armSkuName eq '{name}'" for name in instance_types[start : start + _CHUNK]
        )
        yield {
            "api-version": _API_VERSION,
            "currencyCode": _CURRENCY,
            "meterRegion": "'primary'",
            "$filter": "serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and "
            f"armRegionName eq '{region}' and ({skus})",
        }


def parse_page(url: str, document: object) -> Page:
    """A page of the list at `url`.

    Of the link to the next page only the query counts: a mirror passes Azure's own link on, and
    no answer decides which host is asked.

    Raises:
        ValueError: it is no page of the list.
    """
    items = document.get("Items") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(items, list):
        raise ValueError("the answer has no Items")
    link = document.get("NextPageLink")
    query = urlsplit(link).query if isinstance(link, str) else ""
    following = urlunsplit(urlsplit(url)._replace(query=query)) if query else None
    return Page([item for item in items if isinstance(item, dict)], following)


def parse_prices(
    items: Iterable[Mapping[str, Any]], region: str, names: Iterable[str]
) -> dict[str, Price]:
    """The cheapest Linux price of each kind. Windows and low-priority machines are left out."""
    spelled = {name.casefold(): name for name in names}
    found: dict[str, Price] = {}
    for item in items:
        name = spelled.get(str(item.get("armSkuName")).casefold())
        if name is None or not _counts(item, region):
            continue
        price, known = float(item["retailPrice"]), found.get(name, Price())
        if "Spot" in _meter(item):
            found[name] = Price(known.on_demand, _cheaper(known.spot, price))
        else:
            found[name] = Price(_cheaper(known.on_demand, price), known.spot)
    return found


def _counts(item: Mapping[str, Any], region: str) -> bool:
    price = item.get("retailPrice")
    return (
        isinstance(price, int | float)
        and not isinstance(price, bool)
        and 0 < price < _MOST_DOLLARS
        and item.get("currencyCode", _CURRENCY) == _CURRENCY
        and item.get("armRegionName", region) == region
        and item.get("unitOfMeasure") == "1 Hour"
        and item.get("type") == "Consumption"
        and "Windows" not in str(item.get("productName"))
        and "Low Priority" not in _meter(item)
    )


def _meter(item: Mapping[str, Any]) -> str:
    return f"{item.get('skuName')} {item.get('meterName')}"


def _cheaper(known: float | None, price: float) -> float:
    return price if known is None else min(known, price)
