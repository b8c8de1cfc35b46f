"""Reads Azure's public price list over HTTP."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2

from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.retail_prices import MAX_PAGES, URL, parse_page, parse_prices, queries
from kubectl_kaito.prices.source import PricesUnavailable

_TIMEOUT_SECONDS = 5.0


class RetailPrices:
    def __init__(self, now: Callable[[], datetime], url: str = URL) -> None:
        self._now = now
        self._url = url

    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        found: dict[str, Price] = {}
        try:
            with httpx2.Client(timeout=_TIMEOUT_SECONDS) as client:
                for query in queries(region, instance_types):
                    items = _items(client, self._url, query)
                    found |= parse_prices(items, region, instance_types)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            detail = " ".join(f"{type(error).__name__} {error}".split())[:200]
            raise PricesUnavailable(f"{self._url} gives no prices: {detail}") from error
        return PriceSheet(region, found, self._now())


def _items(
    client: httpx2.Client, url: str, query: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    params: Mapping[str, str] | None = query
    following: str | None = url
    for _ in range(MAX_PAGES):
        if following is None:
            return
        response = client.get(following, params=params)
        response.raise_for_status()
        page = parse_page(url, response.json())
        yield from page.items
        following, params = page.next_url, None
