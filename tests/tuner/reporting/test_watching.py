"""Watchers of TuningService over real gRPC: slow, late, many, and gone."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import grpc
import pytest

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from tuner.reporting.server import MAX_WATCHERS, serving
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import Progress, RunState, TuningRun
from tuner.stop_switch import StopSwitch

Tuning = tuning_pb2.Tuning
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = TuningRun(name="team/ws", base_model="phi", method="lora", start_time=START)
# A few of these fill the window of a stream, as thousands of usual ones would.
LARGE = replace(RUN, base_model="phi" * 10_000)
# Without it, gRPC widens the window of a stream by what the connection could carry.
FIXED_WINDOW = (("grpc.http2.bdp_probe", 0),)


class Watcher:
    """One client with its own connection."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=FIXED_WINDOW)
        stub = tuning_pb2_grpc.TuningServiceStub(self.channel)
        self.answers = stub.WatchTuning(tuning_pb2.WatchTuningRequest(), timeout=100)

    def next(self) -> tuning_pb2.Tuning:
        tuning: tuning_pb2.Tuning = next(self.answers).tuning
        return tuning

    def rest(self) -> list[tuning_pb2.Tuning]:
        return [answer.tuning for answer in self.answers]


@contextmanager
def _watching(port: int) -> Iterator[Watcher]:
    watcher = Watcher(port)
    try:
        yield watcher
    finally:
        watcher.channel.close()


@pytest.fixture
def publisher() -> StatusPublisher:
    return StatusPublisher(RUN)


@pytest.fixture
def port(publisher: StatusPublisher) -> Iterator[int]:
    with serving(publisher, StopSwitch(), 0) as bound:
        yield bound


def _publish_steps(publisher: StatusPublisher, reader: Watcher, count: int) -> None:
    """Publish until `reader` has received that many different values."""
    for step in range(1, count + 1):
        publisher.publish(progress=Progress(step=step))
        while reader.next().progress.step < step:
            pass


def test_reader_that_is_slow_skips_values_and_receives_the_last() -> None:
    publisher = StatusPublisher(LARGE)
    with (
        serving(publisher, StopSwitch(), 0) as port,
        _watching(port) as fast,
        _watching(port) as slow,
    ):
        assert slow.next().state == Tuning.LOADING
        publisher.publish(state=RunState.RUNNING)
        _publish_steps(publisher, fast, 200)
        publisher.publish(state=RunState.SUCCEEDED)
        received = slow.rest()
        steps = [tuning.progress.step for tuning in received]
        assert (received[-1].state, steps[-1]) == (Tuning.SUCCEEDED, 200)
        assert len(received) < 50
        assert steps == sorted(steps)


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED])
def test_joiner_after_the_end_receives_the_end(
    state: RunState, publisher: StatusPublisher, port: int
) -> None:
    publisher.publish(state=state, progress=Progress(step=480, total_steps=480))
    with _watching(port) as late:
        (only,) = late.rest()
    assert (Tuning.State.Name(only.state), only.progress.step) == (state.value, 480)


def test_joiner_while_the_adapter_is_pushed_receives_that_at_once_and_the_end(
    publisher: StatusPublisher, port: int
) -> None:
    publisher.publish(
        state=RunState.PUSHING,
        progress=Progress(step=480, total_steps=480, loss=1.25, eval_loss=1.5, eval_step=480),
    )
    with _watching(port) as late:
        now = late.next()
        assert now.state == Tuning.PUSHING
        assert (now.progress.loss, now.progress.eval_loss) == (1.25, 1.5)
        publisher.publish(state=RunState.SUCCEEDED)
        assert [tuning.state for tuning in late.rest()] == [Tuning.SUCCEEDED]


def test_all_watchers_receive_the_end(publisher: StatusPublisher, port: int) -> None:
    ends: list[tuple[int, int]] = []

    def read(watcher: Watcher) -> None:
        last = watcher.rest()[-1]
        ends.append((last.state, last.progress.step))

    with ExitStack() as stack:
        watchers = [stack.enter_context(_watching(port)) for _ in range(MAX_WATCHERS)]
        for watcher in watchers:
            watcher.next()
        threads = [threading.Thread(target=read, args=(watcher,)) for watcher in watchers]
        for thread in threads:
            thread.start()
        for step in range(1, 101):
            publisher.publish(progress=Progress(step=step))
        publisher.publish(state=RunState.STOPPED)
        for thread in threads:
            thread.join(60)
    assert ends == [(Tuning.STOPPED, 100)] * MAX_WATCHERS


def test_watchers_that_hang_up_while_they_are_sent_to_make_room_for_others() -> None:
    publisher = StatusPublisher(LARGE)
    with serving(publisher, StopSwitch(), 0) as port:
        with ExitStack() as stack:
            gone = [stack.enter_context(_watching(port)) for _ in range(MAX_WATCHERS - 1)]
            for watcher in gone:
                watcher.next()
            reader = stack.enter_context(_watching(port))
            reader.next()
            _publish_steps(publisher, reader, 20)
        joined = 0
        with ExitStack() as stack:
            while joined < MAX_WATCHERS:
                watcher = stack.enter_context(_watching(port))
                try:
                    assert watcher.next().progress.step == 20
                    joined += 1
                except grpc.RpcError as error:
                    # The server learns of a lost connection a moment later.
                    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_reader_that_never_reads_does_not_hold_up_the_end_of_the_process() -> None:
    publisher = StatusPublisher(LARGE)
    with ExitStack() as stack, serving(publisher, StopSwitch(), 0) as port:
        stack.enter_context(_watching(port)).next()
        reader = stack.enter_context(_watching(port))
        reader.next()
        _publish_steps(publisher, reader, 20)
        publisher.publish(state=RunState.SUCCEEDED)
        assert reader.rest()[-1].state == Tuning.SUCCEEDED
