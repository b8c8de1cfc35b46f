"""Watches the other nodes during a launch: when one goes or fails, the processes here end as well.

They would notice themselves on a broken connection. NCCL may wait for half an hour, and a node that
is cut off breaks none.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import FrameType

from tuner.errors import RunError
from tuner.processes.cause import find_cause_of_nodes
from tuner.processes.connection import Connection, ConnectionLost, Message
from tuner.processes.errors import PeerLost
from tuner.processes.meeting import Start
from tuner.processes.node import Node
from tuner.processes.report import Kind, RankReport, report_of, to_document, to_report
from tuner.reasons import Reason

# The signal that ends a launch from the inside. A process that gets it ends at once: none of what
# it does can be saved without the others.
SIGNAL = signal.SIGUSR1
# How long the first node waits for what the others say of their failures, and they for its verdict.
_SETTLE_SECONDS, _VERDICT_SECONDS = 10.0, 20.0
_WATCH_SECONDS = 0.2
_DONE, _FAILED, _ENDED, _CAUSE = "done", "failed", "ended", "cause"


class NodeGone(Exception):
    """Another node has ended or failed; the launch is to end."""


class LaunchWatch:
    """The watch of one node over one launch."""

    def __init__(self, node: Node, start: Start) -> None:
        self._node = node
        self._open: dict[int, Connection] = dict(start.connections)
        self._done: set[int] = set()
        self._reports: dict[int, RankReport] = {}
        self._verdict: RankReport | None = None
        self._gone: list[int] = []
        self._lock = threading.Lock()
        self._over = False

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within the block, the main thread gets `SIGNAL` once another node goes or fails.

        Raises:
            NodeGone: it has come, and no other handler was there.
        """
        before = signal.signal(SIGNAL, _raise_gone)
        thread = threading.Thread(target=self._watch, args=(threading.get_ident(),), daemon=True)
        thread.start()
        try:
            try:
                yield
            finally:
                # A signal that was sent by then arrives in this block.
                with self._lock:
                    self._over = True
        finally:
            thread.join()
            signal.signal(SIGNAL, before)

    def lost(self) -> PeerLost:
        """Which nodes are gone, or have failed."""
        numbers = self._gone or sorted(self._reports)
        names = " and ".join(map(self._node.name, numbers)) or "another node"
        return PeerLost(f"{names} ended, or cannot be reached")

    def settle(self, error: RunError | None, now: float) -> RunError | None:
        """What ended the launch on all nodes: the same for each; None if it has succeeded.

        Args:
            error: how it ended on this node.
            now: in seconds, on a monotonic clock.
        """
        try:
            if error is None:
                for connection in self._open.values():
                    connection.send(_DONE)
                return None
            if self._node.is_first:
                return self._judge(error, now)
            return self._ask(error, now)
        finally:
            self.close()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _watch(self, main_thread: int) -> None:
        while True:
            ended = self._listen(_WATCH_SECONDS)
            with self._lock:
                if self._over:
                    return
                if ended:
                    signal.pthread_kill(main_thread, SIGNAL)
                    return

    def _listen(self, seconds: float) -> bool:
        """Whether the launch has ended elsewhere, by what is said within so many `seconds`."""
        ended = False
        if not self._open:
            # The others are done, and there is nobody left to listen to.
            time.sleep(seconds)
        for number, connection in list(self._open.items()):
            try:
                message = connection.receive(seconds / len(self._open))
            except ConnectionLost:
                # One that was done, or has said how it ended, may leave.
                if number not in self._done and number not in self._reports:
                    self._gone.append(number)
                    ended = True
                self._open.pop(number).close()
                continue
            ended = (message is not None and self._take(number, message)) or ended
        return ended

    def _take(self, number: int, message: Message) -> bool:
        """Whether that message of a node ends the launch."""
        event = message["event"]
        if event == _DONE:
            self._done.add(number)
        elif event == _FAILED:
            self._reports[number] = to_report(message["report"])
            return not _is_stop(self._reports[number])
        elif event == _CAUSE:
            self._verdict = to_report(message["report"])
        return event in (_ENDED, _CAUSE)

    def _judge(self, error: RunError, now: float) -> RunError:
        """Collect what the others say, and tell them what it was."""
        if not _is_stop(report_of(error, now)):
            for connection in self._open.values():
                connection.send(_ENDED)
        for number, connection in list(self._open.items()):
            self._hear(number, connection, _SETTLE_SECONDS, partial(self._has_reported, number))
        reports: Mapping[int, RankReport] = {0: report_of(error, now), **self._reports}
        number, found = find_cause_of_nodes(reports)
        verdict = found.named(self._node.name(number))
        for connection in self._open.values():
            connection.send(_CAUSE, report=to_document(verdict))
        return verdict.raised

    def _ask(self, error: RunError, now: float) -> RunError:
        """Say how it ended here, and take the verdict of the first node."""
        for number, connection in list(self._open.items()):
            connection.send(_FAILED, report=to_document(report_of(error, now)))
            self._hear(number, connection, _VERDICT_SECONDS, self._has_verdict)
        return error if self._verdict is None else self._verdict.raised

    def _has_reported(self, number: int) -> bool:
        return number in self._reports

    def _has_verdict(self) -> bool:
        return self._verdict is not None

    def _hear(
        self, number: int, connection: Connection, seconds: float, heard: Callable[[], bool]
    ) -> None:
        """Take what a node says until that was `heard`; nothing within `seconds` is enough."""
        while not heard():
            try:
                message = connection.receive(seconds)
            except ConnectionLost:
                return
            if message is None:
                return
            self._take(number, message)


def _is_stop(report: RankReport) -> bool:
    """Whether a signal has stopped the training: all processes write a checkpoint, and end."""
    return report.kind is Kind.CAUSE and report.error.reason is Reason.TRAINING_STOPPED


def _raise_gone(number: int, frame: FrameType | None) -> None:
    raise NodeGone
