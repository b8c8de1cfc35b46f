"""Small pages that programs in pods serve over HTTP: a document, or metrics."""

import logging
from collections.abc import Callable
from typing import TypeVar

import aiohttp

from workspace_controller.pod_clients.pod_calls import TIMEOUT_SECONDS, target

logger = logging.getLogger(__name__)
_Value = TypeVar("_Value")


async def read(
    address: str, port: int, path: str, most_bytes: int, value_of: Callable[[bytes], _Value]
) -> _Value | None:
    """What the whole page at that IP address stands for; None if the pod does not answer in time,
    sends more, or sends what `value_of` refuses with a ValueError."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{target(address, port)}{path}", allow_redirects=False) as response,
        ):
            return value_of(await _whole(response.content, most_bytes))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        logger.debug("nothing from %s%s: %s", address, path, type(error).__name__)
        return None


async def _whole(content: aiohttp.StreamReader, most_bytes: int) -> bytes:
    """A single read returns what has arrived, which may be the beginning."""
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > most_bytes:
            raise ValueError("the page is too long")
    return bytes(body)
