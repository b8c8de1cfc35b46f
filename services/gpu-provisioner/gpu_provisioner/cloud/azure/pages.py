"""Reads through the SDK's own pipeline whose answers are taken as plain JSON: its models cost ten
times as much, and of large listings only a few fields are read."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from azure.core.rest import HttpRequest
from azure.mgmt.containerservice.aio import ContainerServiceClient


async def pages(
    client: ContainerServiceClient, url: str, query: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    """Every item of a listing, from all its pages. Raises AzureError."""
    while url:
        page = await read(client, url, query)
        for item in page.get("value") or ():
            yield item
        url, query = page.get("nextLink") or "", {}


async def read(
    client: ContainerServiceClient, url: str, query: Mapping[str, str]
) -> Mapping[str, Any]:
    """One answer. Raises AzureError."""
    response = await client.send_request(HttpRequest("GET", url, params=dict(query)))
    response.raise_for_status()
    answer: Mapping[str, Any] = response.json()
    return answer
