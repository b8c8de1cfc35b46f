"""What the kernel still has of what was sent."""

import asyncio
import socket
import sys

import pytest

from kaito_process.undelivered import count, undelivered_bytes, wait_until_delivered

# Columns as in proc_net_tcp(5); the last of each row are left out.
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
LISTENS = "   0: 0100007F:1388 00000000:0000 0A 00000000:00000007 00:00000000 00000000 0\n"
OPEN = "   1: 0100007F:1388 0100007F:C001 01 00000100:00000000 01:00000014 00000000 0\n"
CLOSED = "   2: 0100007F:1388 0100007F:C002 04 00000011:00000000 01:00000014 00000007 0\n"
DONE = "   3: 0100007F:1388 0100007F:C003 06 00000000:00000000 03:00000EE0 00000000 0\n"
OTHER_PORT = "   4: 0100007F:1389 0100007F:1388 01 00000009:00000000 01:00000014 00000000 0\n"
V6 = (
    "   0: 00000000000000000000000001000000:1388 00000000000000000000000001000000:C001 01 "
    "0000000A:00000000 01:00000014 00000000 0\n"
)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", 0),
        (LISTENS, 0),
        (OPEN, 0x100),
        (CLOSED, 0x11),
        (DONE, 0),
        (OTHER_PORT, 0),
        (V6, 10),
        (LISTENS + OPEN + CLOSED + DONE + OTHER_PORT, 0x111),
    ],
    ids=["none", "listens", "open", "closed", "done", "other port", "IPv6", "several"],
)
def test_bytes_are_counted_by_port(rows: str, expected: int) -> None:
    assert count(HEAD + rows, 5000) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it")
def test_a_closed_connection_counts_until_its_reader_has_everything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as reader:
        port = listener.getsockname()[1]
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", port))
        writer, _ = listener.accept()
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        writer.setblocking(False)
        sent = writer.send(bytes(2**19))
        writer.close()
        assert undelivered_bytes(port) > 0
        reader.settimeout(30)
        received = 0
        while part := reader.recv(65536):
            received += len(part)
        assert received == sent
        assert undelivered_bytes(port) == 0


async def test_waiting_ends_when_everything_is_delivered() -> None:
    left = iter([9, 9, 0])
    await wait_until_delivered(1, 60, lambda _: next(left))
    assert next(left, None) is None


async def test_waiting_ends_when_the_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(30):
        await wait_until_delivered(1, 0.01, lambda _: 7)
    assert "not received their answers in time" in caplog.text
