"""What is written to a connection in quick succession is sent together, in order, and soon."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from inference_gateway.corked_transport import MAX_BYTES, MAX_WRITES, CorkedTransport


@dataclass
class Socket:
    """Records each write as one system call."""

    sent: list[bytes] = field(default_factory=list)
    closed: bool = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> str:
        return f"the socket's {name}"


class Loop:
    """Runs one pass at a time."""

    def __init__(self) -> None:
        self.callbacks: deque[Callable[[], object]] = deque()

    def call_soon(self, callback: Callable[..., object], *args: object) -> None:
        self.callbacks.append(lambda: callback(*args))

    def run_pass(self) -> None:
        for _ in range(len(self.callbacks)):
            self.callbacks.popleft()()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def corked(socket: Socket, loop: Loop) -> CorkedTransport:
    return CorkedTransport(socket, loop)  # type: ignore[arg-type]


def test_headers_and_body_are_sent_together(
    corked: CorkedTransport, socket: Socket, loop: Loop
) -> None:
    corked.write(b"headers ")
    corked.write(b"body")
    assert not socket.sent
    loop.run_pass()
    loop.run_pass()
    assert socket.sent == [b"headers body"]
    assert not loop.callbacks


def test_token_that_nothing_follows_is_sent_after_two_passes(
    corked: CorkedTransport, socket: Socket, loop: Loop
) -> None:
    for token in (b"a", b"b", b"c"):
        corked.write(token)
        loop.run_pass()
        loop.run_pass()
    assert socket.sent == [b"a", b"b", b"c"]


def test_tokens_of_each_pass_wait_for_the_next_up_to_a_bound(
    corked: CorkedTransport, socket: Socket, loop: Loop
) -> None:
    tokens = [b"%d " % number for number in range(2 * MAX_WRITES + 1)]
    for token in tokens:
        loop.run_pass()
        corked.write(token)
    assert [data.count(b" ") for data in socket.sent] == [MAX_WRITES, MAX_WRITES]
    loop.run_pass()
    loop.run_pass()
    assert b"".join(socket.sent) == b"".join(tokens)


def test_large_data_is_sent_at_once_so_that_slow_clients_are_noticed(
    corked: CorkedTransport, socket: Socket
) -> None:
    corked.write(b"first ")
    corked.write(b"x" * MAX_BYTES)
    assert socket.sent == [b"first " + b"x" * MAX_BYTES]


def test_closing_sends_what_is_held(corked: CorkedTransport, socket: Socket, loop: Loop) -> None:
    corked.write(b"last")
    corked.close()
    assert socket.sent == [b"last"]
    assert socket.closed
    loop.run_pass()
    loop.run_pass()


def test_nothing_is_sent_to_a_client_that_left(
    corked: CorkedTransport, socket: Socket, loop: Loop
) -> None:
    corked.write(b"token")
    socket.closed = True
    loop.run_pass()
    loop.run_pass()
    assert not socket.sent
    assert not loop.callbacks


def test_everything_else_is_the_transports_own(corked: CorkedTransport) -> None:
    assert corked.get_extra_info("peername") == "the socket's peername"
