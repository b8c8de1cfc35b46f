"""Watchers of the publisher, fast and slow."""

import threading
from datetime import UTC, datetime

from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import Progress, RunState, TuningRun

RUN = TuningRun(name="a/b", base_model="m", method="lora", start_time=datetime.now(UTC))


def test_slow_watcher_skips_values_and_receives_the_last() -> None:
    publisher = StatusPublisher(RUN)
    watcher = publisher.watch(lambda: True)
    assert next(watcher).state is RunState.LOADING
    for step in range(50):
        publisher.publish(progress=Progress(step=step))
    publisher.publish(state=RunState.SUCCEEDED)
    assert [(run.progress.step, run.state) for run in watcher] == [(49, RunState.SUCCEEDED)]


def test_late_watcher_receives_the_last_value_of_a_closed_publisher() -> None:
    publisher = StatusPublisher(RUN)
    publisher.publish(state=RunState.PUSHING)
    publisher.close()
    assert [run.state for run in publisher.watch(lambda: True)] == [RunState.PUSHING]


def test_unchanged_status_wakes_no_watcher() -> None:
    publisher = StatusPublisher(RUN)
    watcher = publisher.watch(lambda: True)
    next(watcher)
    publisher.publish(state=RunState.LOADING)
    publisher.close()
    assert list(watcher) == []


def test_inactive_watcher_ends_when_woken() -> None:
    publisher = StatusPublisher(RUN)
    active = threading.Event()
    active.set()
    seen: list[TuningRun] = []
    first = threading.Event()

    def read() -> None:
        for run in publisher.watch(active.is_set):
            seen.append(run)
            first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(10)
    active.clear()
    publisher.wake()
    thread.join(10)
    assert not thread.is_alive()
    assert seen == [RUN]


def test_all_watchers_receive_the_last_value() -> None:
    publisher = StatusPublisher(RUN)
    ends: list[RunState] = []

    def read() -> None:
        ends.append([run.state for run in publisher.watch(lambda: True)][-1])

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for step in range(100):
        publisher.publish(progress=Progress(step=step))
    publisher.publish(state=RunState.STOPPED)
    for thread in threads:
        thread.join(10)
    assert ends == [RunState.STOPPED] * 20
