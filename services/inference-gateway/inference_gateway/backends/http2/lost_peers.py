"""Notices servers that are gone without a word, such as those of a node that lost its power."""

import socket

# Linux itself would wait for 15 minutes until what it sent is acknowledged.
_UNACKNOWLEDGED_MILLISECONDS = 20_000
# A connection that only waits for an answer sends nothing that could stay without acknowledgment,
# so the kernel asks. The time above bounds how long it asks.
_QUIET_SECONDS = 10
_ASKING_SECONDS = 5


def notice_lost_peer(connected: socket.socket) -> None:
    """Lets the connection fail half a minute after its server is gone, at the latest."""
    # Only Linux has the options.
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, _QUIET_SECONDS),
        (socket.TCP_KEEPINTVL, _ASKING_SECONDS),
        (socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS),
    ):
        connected.setsockopt(socket.IPPROTO_TCP, option, value)
