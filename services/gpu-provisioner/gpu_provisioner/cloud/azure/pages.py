"""Reads through the SDK's pipeline that return plain JSON. The SDK's models cost ten times as
much CPU, and only a few fields of these large listings are needed. azure.core's AsyncItemPaged
would follow the links, and needs the same `read`, and two callbacks in place of the loop."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from azure.core.rest import HttpRequest
from azure.mgmt.containerservice.aio import ContainerServiceClient


async def pages(
    client: ContainerServiceClient, url: str, query: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield every item of a listing, from all its pages.

    Raises:
        AzureError: a page could not be read.
    """
    while url:
        page = await read(client, url, query)
        for item in page.get("value") or ():
            yield item
        url, query = page.get("nextLink") or "", {}


async def read(
    client: ContainerServiceClient, url: str, query: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return one response.

    Raises:
        AzureError: the resource could not be read.
    """
    response = await client.send_request(HttpRequest("GET", url, params=dict(query)))
    response.raise_for_status()
    answer: Mapping[str, Any] = response.json()
    return answer
