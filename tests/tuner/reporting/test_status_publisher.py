"""Readers of the board, quick and slow."""

import threading
from datetime import UTC, datetime

from tuner.reporting.board import Board
from tuner.reporting.run import Progress, Run, State

RUN = Run(name="a/b", base_model="m", method="lora", start_time=datetime.now(UTC))


def test_a_slow_reader_skips_values_and_gets_the_last() -> None:
    board = Board(RUN)
    reader = board.watch(lambda: True)
    assert next(reader).state is State.LOADING
    for step in range(50):
        board.post(progress=Progress(step=step))
    board.post(state=State.SUCCEEDED)
    assert [(run.progress.step, run.state) for run in reader] == [(49, State.SUCCEEDED)]


def test_a_late_reader_gets_the_last_value_of_a_closed_board() -> None:
    board = Board(RUN)
    board.post(state=State.PUSHING)
    board.close()
    assert [run.state for run in board.watch(lambda: True)] == [State.PUSHING]


def test_posting_nothing_new_wakes_nobody() -> None:
    board = Board(RUN)
    reader = board.watch(lambda: True)
    next(reader)
    board.post(state=State.LOADING)
    board.close()
    assert list(reader) == []


def test_an_unwanted_reader_ends_when_woken() -> None:
    board = Board(RUN)
    wanted = threading.Event()
    wanted.set()
    seen: list[Run] = []
    first = threading.Event()

    def read() -> None:
        for run in board.watch(wanted.is_set):
            seen.append(run)
            first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(10)
    wanted.clear()
    board.wake()
    thread.join(10)
    assert not thread.is_alive()
    assert seen == [RUN]


def test_many_readers_all_see_the_end() -> None:
    board = Board(RUN)
    ends: list[State] = []

    def read() -> None:
        ends.append([run.state for run in board.watch(lambda: True)][-1])

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for step in range(100):
        board.post(progress=Progress(step=step))
    board.post(state=State.STOPPED)
    for thread in threads:
        thread.join(10)
    assert ends == [State.STOPPED] * 20
