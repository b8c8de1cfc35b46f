"""How a run learns that it has to stop: a signal, or a client of TuningService.

Outside the training loop a signal interrupts at once. Inside it a signal only sets a flag: the loop
writes a checkpoint at the end of its step and returns.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tuner.errors import Terminated

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSwitch:
    """Two flags: a signal arrived, or a client requested a stop. Thread-safe."""

    def __init__(self) -> None:
        self._terminated = threading.Event()
        self._requested = threading.Event()
        self._graceful = False

    @property
    def stop_requested(self) -> bool:
        """True once a signal or a client has requested a stop."""
        return self._terminated.is_set() or self._requested.is_set()

    @property
    def terminated(self) -> bool:
        """True once a signal has arrived."""
        return self._terminated.is_set()

    def request_stop(self) -> None:
        """Stop the run on behalf of a client."""
        self._requested.set()

    def terminate(self) -> None:
        """Behave as if a signal had arrived: one has, in another process of the training."""
        self._terminated.set()

    def install(self) -> None:
        """Install the signal handlers of the process. Call it from the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    @contextmanager
    def graceful(self) -> Iterator[None]:
        """Within the block, signals set the flag without raising."""
        self._graceful = True
        try:
            yield
        finally:
            self._graceful = False

    def wait_for_signal(self) -> None:
        """Block until a signal has arrived."""
        with self.graceful():
            self._terminated.wait()

    def raise_if_terminated(self) -> None:
        """Raise if a signal arrived inside a `graceful` block.

        Raises:
            Terminated: a signal has arrived.
        """
        if self._terminated.is_set():
            raise Terminated

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._terminated.set()
        if not self._graceful:
            raise Terminated
