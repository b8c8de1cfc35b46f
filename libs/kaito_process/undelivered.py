"""What this process's clients have not received yet, as the kernel counts it.

A process that has written all of an answer has not delivered it: what a slow client has not taken
yet lies in the kernel. It is lost when the pod's network goes, right after its last process.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)
_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_LISTEN = "0A"
_PAUSE_SECONDS = 0.1


def undelivered_bytes(port: int) -> int:
    """Bytes sent from a local port that no client has acknowledged, closed connections included.

    The end of a connection counts as one byte. 0 where there is no Linux to ask.
    """
    return sum(count(table.read_text(), port) for table in _TABLES if table.exists())


def count(table: str, port: int) -> int:
    """The same in one of the kernel's tables (proc_net_tcp(5)). Pure."""
    suffix = f":{port:04X}"
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(
        int(queues.partition(":")[0], 16)
        for _, local, _, state, queues, *_ in rows
        if local.endswith(suffix) and state != _LISTEN
    )


async def wait_until_delivered(
    port: int, timeout_seconds: float, read: Callable[[int], int] = undelivered_bytes
) -> None:
    """Wait until the clients have received everything that was sent from a port.

    What is left after the timeout is logged.
    """
    left_bytes = read(port)
    if not left_bytes:
        return
    logger.info("waiting for clients to receive their answers", extra={"bytes": left_bytes})
    try:
        async with asyncio.timeout(timeout_seconds):
            while (left_bytes := read(port)) > 0:
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        logger.warning(
            "clients have not received their answers in time", extra={"bytes": left_bytes}
        )
