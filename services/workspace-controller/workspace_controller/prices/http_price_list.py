"""Azure's price list over HTTP. `kaito_skus.retail_prices` knows what to ask and to read."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from kaito_kube.proxies import proxy_for
from kaito_skus.price_sheet import Price
from kaito_skus.retail_prices import MAX_PAGES, Page, parse_page, parse_prices, queries
from workspace_controller.prices.price_list import PriceListAway

# A new leader waits for the first answer, so a list that hangs must not hold it up for long.
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
# A page has at most a thousand items of about 700 bytes.
_MAX_BODY_BYTES = 4 * 2**20
_MAX_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class HttpPriceList:
    """`url` is that of Azure's list, or of a mirror. It is read once a day, with a few calls."""

    url: str

    async def read(self, region: str, instance_types: Sequence[str]) -> Mapping[str, Price]:
        address, found = urlsplit(self.url), dict[str, Price]()
        try:
            async with aiohttp.ClientSession(
                timeout=_TIMEOUT,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=proxy_for(address.scheme, address.hostname or ""),
            ) as session:
                for query in queries(region, instance_types):
                    items = [item async for item in self._items(session, query)]
                    found |= parse_prices(items, region, instance_types)
        except TimeoutError as error:
            raise PriceListAway(f"{self.url} does not answer in time") from error
        except (aiohttp.ClientError, ValueError, RecursionError) as error:
            detail = " ".join(str(error).split())[:_MAX_MESSAGE] or type(error).__name__
            raise PriceListAway(f"{self.url}: {detail}") from error
        return found

    async def _items(
        self, session: aiohttp.ClientSession, query: Mapping[str, str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        following: str | None = self.url
        parameters: Mapping[str, str] | None = query
        for _ in range(MAX_PAGES):
            if following is None:
                return
            page = await self._page(session, following, parameters)
            for item in page.items:
                yield item
            following, parameters = page.next_url, None

    async def _page(
        self, session: aiohttp.ClientSession, url: str, query: Mapping[str, str] | None
    ) -> Page:
        # No answer decides which host is asked.
        async with session.get(url, params=query, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"it answers {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    raise ValueError(f"it answers with more than {_MAX_BODY_BYTES} bytes")
        return parse_page(self.url, json.loads(body))
