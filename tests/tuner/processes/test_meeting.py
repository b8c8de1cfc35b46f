"""How the launchers of several nodes meet, and what ends a launch for all of them."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tuner.errors import RunError
from tuner.processes import meeting as meeting_module
from tuner.processes.cause import find_cause_of_nodes
from tuner.processes.connection import Connection
from tuner.processes.errors import LessMemoryNeeded, PeerLost, ProcessKilled
from tuner.processes.launch_watch import LaunchWatch, NodeGone
from tuner.processes.meeting import Start, meeting
from tuner.processes.node import Node
from tuner.processes.report import report_of
from tuner.reasons import Reason

FULL = RunError(Reason.OUT_OF_MEMORY, "out of memory in step 3", data={"rows": 9})
LOST = PeerLost("Connection closed by peer")
AGAIN = LessMemoryNeeded(Reason.OUT_OF_MEMORY, "half of it would fit", retryable=True)
KILLED = ProcessKilled("process 2 of 2 was killed by SIGKILL")
STOPPED = RunError(Reason.TRAINING_STOPPED, "a process was stopped by a signal")


def nodes(count: int = 2) -> list[Node]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    return [
        Node(number=number, count=count, processes=1, host="127.0.0.1", port=port)
        for number in range(count)
    ]


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a launch would close at its end."""
    made: list[Connection] = []
    initialize = Connection.__init__

    def remember(connection: Connection, connected: socket.socket) -> None:
        made.append(connection)
        initialize(connection, connected)

    monkeypatch.setattr(Connection, "__init__", remember)
    yield
    for connection in made:
        connection.close()


def wait(node: Node, step: int, inputs: str = "same") -> Start:
    with meeting(node, inputs) as place:
        return place.wait(step)


@contextmanager
def met(count: int = 2) -> Iterator[list[LaunchWatch]]:
    """The watches of nodes that have met."""
    all_nodes = nodes(count)
    with ThreadPoolExecutor(count) as pool:
        starts = list(pool.map(lambda node: wait(node, -1), all_nodes))
    watches = [LaunchWatch(node, start) for node, start in zip(all_nodes, starts, strict=True)]
    try:
        yield watches
    finally:
        for watch in watches:
            watch.close()


def settled(watches: list[LaunchWatch], errors: list[RunError | None]) -> list[RunError | None]:
    with ThreadPoolExecutor(len(watches)) as pool:
        pairs = zip(watches, errors, strict=True)
        return list(pool.map(lambda pair: pair[0].settle(pair[1], 0.0), pairs))


def test_all_start_with_one_store_and_the_newest_checkpoint_of_any() -> None:
    first, *others = nodes(3)
    with ThreadPoolExecutor(3) as pool:
        starts = list(pool.map(wait, [*others, first], [7, 30, -1]))
    assert {start.port for start in starts} == {starts[0].port}
    assert {start.newest_step for start in starts} == {30}
    assert [sorted(start.connections) for start in starts] == [[0], [0], [1, 2]]


def test_a_node_with_other_data_is_refused_and_the_first_goes_on_waiting() -> None:
    first, other = nodes()
    with ThreadPoolExecutor(1) as pool, meeting(first, "same") as place:
        waiting: Future[Start] = pool.submit(place.wait, -1)
        with pytest.raises(RunError) as caught:
            wait(other, -1, "changed")
        assert (caught.value.reason, caught.value.retryable) == (Reason.DATA_UNREADABLE, False)
        assert "node 2 of 2 has read other data, or another configuration" in caught.value.message
        wait(other, -1)
        assert waiting.result().newest_step == -1


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b'{"event": "hello"}\n',
        b'{"event": "hello", "node": Infinity, "step": 1, "inputs": "same", "nodes": 2}\n',
        b'{"event": "hello", "node": 1, "step": 1e999, "inputs": "same", "nodes": 2}\n',
        b"[" * 100_000 + b"\n",
        b"",
        b"\xff\n",
    ],
    ids=["http", "list", "lacks", "infinity", "overflow", "nested", "empty", "bytes"],
)
def test_what_is_no_node_changes_nothing(words: bytes) -> None:
    first, other = nodes()
    with ThreadPoolExecutor(1) as pool, meeting(first, "same") as place:
        waiting: Future[Start] = pool.submit(place.wait, -1)
        with socket.create_connection(("127.0.0.1", first.port)) as stranger:
            stranger.sendall(words)
        wait(other, 3)
        assert waiting.result().newest_step == 3


def test_nodes_do_not_wait_for_strangers_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting_module, "_HELLO_SECONDS", 3600.0)
    first, other = nodes()
    with ThreadPoolExecutor(1) as pool, meeting(first, "same") as place, ExitStack() as connections:
        for _ in range(meeting_module._MOST_UNKNOWN + 2):
            stranger = socket.create_connection(("127.0.0.1", first.port))
            connections.enter_context(stranger).sendall(b'{"event": ')
        waiting: Future[Start] = pool.submit(place.wait, -1)
        called = ThreadPoolExecutor(1).submit(wait, other, 3)
        assert waiting.result(60).newest_step == 3
        assert called.result(60).newest_step == 3


def test_a_stranger_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = nodes()
    with ThreadPoolExecutor(1) as pool, meeting(first, "same") as place:
        with monkeypatch.context() as patch:
            patch.setattr(meeting_module, "_HELLO_SECONDS", 0.0)
            with socket.create_connection(("127.0.0.1", first.port)) as stranger:
                waiting: Future[Start] = pool.submit(place.wait, -1)
                assert stranger.recv(1) == b""
        wait(other, 3)
        assert waiting.result().newest_step == 3


def test_a_first_node_that_goes_at_the_start_is_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = [OSError("Transport endpoint is not connected")]

    def address(connection: Connection) -> str:
        if gone:
            raise gone.pop()
        return "127.0.0.1"

    monkeypatch.setattr(Connection, "address", property(address))
    first, other = nodes()
    with ThreadPoolExecutor(1) as pool, meeting(first, "same") as place:
        starts: Future[list[Start]] = pool.submit(lambda: [place.wait(1), place.wait(2)])
        assert wait(other, -1).newest_step == 2
        assert [start.newest_step for start in starts.result()] == [1, 2]


def test_who_has_nobody_left_to_listen_to_uses_no_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    with met() as (watch, other):
        other.settle(None, 0.0)
        while watch._open:
            assert not watch._listen(1.0)
        monkeypatch.setattr("tuner.processes.launch_watch.time.sleep", slept.append)
        assert not watch._listen(0.2)
    assert slept == [0.2]


def test_a_node_that_leaves_while_it_waits_is_waited_for_again() -> None:
    first, one, two = nodes(3)
    with ThreadPoolExecutor(2) as pool, meeting(first, "same") as place:
        with socket.create_connection(("127.0.0.1", first.port)) as early:
            Connection(early).send("hello", node=1, nodes=3, step=5, inputs="same")
        waiting: Future[Start] = pool.submit(place.wait, -1)
        others = [pool.submit(wait, two, -1)]
        wait(one, -1)
        assert sorted(waiting.result().connections) == [1, 2]
        assert others[0].result().newest_step == waiting.result().newest_step


CAUSES = {
    "the cause, not what followed": ([LOST, FULL], "node 2 of 2: out of memory in step 3"),
    "of the first": ([FULL, LOST], "node 1 of 2: out of memory in step 3"),
    "killed": ([LOST, KILLED], "node 2 of 2: process 2 of 2 was killed by SIGKILL"),
    "stopped": ([STOPPED, LOST], "node 1 of 2: a process was stopped by a signal"),
    "an error and a kill": ([KILLED, FULL], "node 2 of 2: out of memory in step 3"),
}


@pytest.mark.parametrize(("errors", "message"), CAUSES.values(), ids=CAUSES)
def test_all_nodes_end_with_the_failure_of_the_one_that_failed(
    errors: list[RunError | None], message: str
) -> None:
    with met() as watches:
        found = settled(watches, errors)
    assert [error.message for error in found if error is not None] == [message] * 2


def test_the_verdict_keeps_what_a_condition_needs() -> None:
    with met() as watches:
        found = settled(watches, [LOST, FULL])
    for error in found:
        assert error is not None
        assert (error.reason, error.retryable, error.data) == (
            Reason.OUT_OF_MEMORY,
            False,
            {"rows": 9},
        )


def test_all_nodes_start_again_if_one_needs_less_memory() -> None:
    with met(3) as watches:
        found = settled(watches, [LOST, LOST, AGAIN])
    assert all(isinstance(error, LessMemoryNeeded) for error in found)


def test_success_is_success_everywhere() -> None:
    with met() as watches:
        assert settled(watches, [None, None]) == [None, None]


def _is_interrupted(watch: LaunchWatch, event: Callable[[], object]) -> bool:
    """Whether the `event` on another node ends a launch that would never end."""
    try:
        with watch.interrupting():
            event()
            threading.Event().wait(60)
    except NodeGone:
        return True
    return False


def test_a_node_that_goes_without_a_word_ends_the_launch_of_the_others() -> None:
    with met() as (first, other):
        assert _is_interrupted(first, other.close)
        assert "node 2 of 2 ended, or cannot be reached" in first.lost().message
    with met() as (first, other):
        assert _is_interrupted(other, first.close)
        assert "node 1 of 2 ended" in other.lost().message


def test_a_failure_elsewhere_ends_the_launch() -> None:
    with met() as (first, other), ThreadPoolExecutor(1) as pool:
        failing = list[Future[RunError | None]]()
        assert _is_interrupted(first, lambda: failing.append(pool.submit(other.settle, FULL, 0.0)))
        found = first.settle(first.lost(), 0.0)
        assert found is not None and found.message == "node 2 of 2: out of memory in step 3"
        verdict = failing[0].result()
        assert verdict is not None and verdict.message == found.message


@pytest.mark.parametrize("error", [None, STOPPED], ids=["done", "stopped by a signal"])
def test_one_that_ends_as_all_do_interrupts_nobody(error: RunError | None) -> None:
    """The others write the same checkpoint, and are about to end by themselves."""
    with met() as (first, other), ThreadPoolExecutor(1) as pool:
        with first.interrupting():
            ending = pool.submit(other.settle, error, 0.0)
            if error is None:
                ending.result()
                other.close()
        first.settle(error, 0.0)
        found = ending.result()
        assert (found is None) is (error is None)


def test_the_handler_of_the_signal_is_put_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with met() as (first, _), first.interrupting():
        assert signal.getsignal(signal.SIGUSR1) is not before
    assert signal.getsignal(signal.SIGUSR1) is before


def test_the_lowest_number_decides_between_two_failures() -> None:
    reports = {1: report_of(FULL, 1.0), 0: report_of(FULL, 2.0)}
    assert find_cause_of_nodes(reports)[0] == 0
