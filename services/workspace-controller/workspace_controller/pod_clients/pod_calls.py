"""Calls one of the contracts' services in a pod."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from kaito_grpc.channels import open_channel

logger = logging.getLogger(__name__)
# A pass waits for the answer, and what a pod reports is of no use when it is late.
TIMEOUT_SECONDS = 2.0
_REFUSED = grpc.StatusCode.INVALID_ARGUMENT
_Response = TypeVar("_Response")


async def ask(
    address: str, port: int, call: Callable[[grpc.aio.Channel], Awaitable[_Response]]
) -> _Response | None:
    """The answer of the pod at that IP address; None if it does not answer in time.

    Opens a connection for each call: calls are seconds apart, and pods come and go.
    """
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            open_channel(target(address, port)) as channel,
        ):
            return await call(channel)
    except (grpc.aio.AioRpcError, TimeoutError) as error:
        if isinstance(error, grpc.aio.AioRpcError) and error.code() is _REFUSED:
            # No later pass will be answered otherwise, and nobody else reads it.
            logger.warning("%s refuses a call: %s", address, error.details())
            return None
        logger.debug("no answer from %s: %s", address, type(error).__name__)
        return None


def target(address: str, port: int) -> str:
    """host:port for an IPv4 or IPv6 address."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
