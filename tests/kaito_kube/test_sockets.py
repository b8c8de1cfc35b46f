"""Sockets that a client leaves open are closed with it, and with its event loop."""

import asyncio
import socket

import pytest

from kaito_kube import sockets
from kaito_kube.sockets import Sockets


async def connected(client: socket.socket, server: socket.socket) -> None:
    """A connection that nothing closes."""
    loop = asyncio.get_running_loop()
    client.setblocking(False)
    await loop.sock_connect(client, server.getsockname())
    await loop.create_connection(asyncio.Protocol, sock=client)


async def test_open_sockets_are_closed_and_closed_ones_ignored() -> None:
    tracked = Sockets()
    with socket.create_server(("127.0.0.1", 0)) as server:
        one, other = (
            tracked.create((socket.AF_INET, socket.SOCK_STREAM, 0, "", server.getsockname()))
            for _ in range(2)
        )
        await connected(one, server)
        other.close()
        await tracked.close()
    assert one.fileno() == -1


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_sockets_are_closed_when_the_work_ends_or_fails(fails: bool) -> None:
    client = socket.socket()

    async def work() -> None:
        await connected(client, server)
        if fails:
            raise RuntimeError("lost")

    with socket.create_server(("127.0.0.1", 0)) as server:
        if fails:
            with pytest.raises(RuntimeError, match="lost"):
                sockets.run(work())
        else:
            sockets.run(work())
    assert client.fileno() == -1
