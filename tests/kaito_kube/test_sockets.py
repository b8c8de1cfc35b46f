"""What a client leaves open ends with it, and with the event loop that it ran in."""

import asyncio
import socket

import pytest

from kaito_kube import sockets
from kaito_kube.sockets import Sockets


async def connected(made: socket.socket, server: socket.socket) -> None:
    """A connection that nobody parts from."""
    loop = asyncio.get_running_loop()
    made.setblocking(False)
    await loop.sock_connect(made, server.getsockname())
    await loop.create_connection(asyncio.Protocol, sock=made)


async def test_what_is_open_is_ended_and_what_is_closed_is_left() -> None:
    kept = Sockets()
    with socket.create_server(("127.0.0.1", 0)) as server:
        one, other = (
            kept.make((socket.AF_INET, socket.SOCK_STREAM, 0, "", server.getsockname()))
            for _ in range(2)
        )
        await connected(one, server)
        other.close()
        await kept.end()
    assert one.fileno() == -1


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_what_work_leaves_in_its_loop_is_ended_however_it_ends(fails: bool) -> None:
    made = socket.socket()

    async def work() -> None:
        await connected(made, server)
        if fails:
            raise RuntimeError("lost")

    with socket.create_server(("127.0.0.1", 0)) as server:
        if fails:
            with pytest.raises(RuntimeError, match="lost"):
                sockets.run(work())
        else:
            sockets.run(work())
    assert made.fileno() == -1
