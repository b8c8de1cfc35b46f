"""Being asked to stop, by a signal or by a client of TuningService.

Outside the training loop a signal interrupts at once. Inside it, it only raises a flag: the loop
writes a checkpoint at the end of its step and leaves by itself.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tuner.errors import Terminated

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSwitch:
    """Two flags: a signal arrived, or a client asked. Safe from any thread."""

    def __init__(self) -> None:
        self._terminated = threading.Event()
        self._asked = threading.Event()
        self._graceful = False

    @property
    def wanted(self) -> bool:
        """True once anyone wants the run to stop."""
        return self._terminated.is_set() or self._asked.is_set()

    @property
    def terminated(self) -> bool:
        """True once a signal arrived."""
        return self._terminated.is_set()

    def ask(self) -> None:
        """A client wants the run to stop."""
        self._asked.set()

    def install(self) -> None:
        """Takes over the signals of the process. Only the main thread may call it."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    @contextmanager
    def graceful(self) -> Iterator[None]:
        """Within it a signal raises the flag and no exception."""
        self._graceful = True
        try:
            yield
        finally:
            self._graceful = False

    def wait_for_signal(self) -> None:
        """Sleeps until a signal has arrived."""
        with self.graceful():
            self._terminated.wait()

    def raise_if_terminated(self) -> None:
        """Leaves by `Terminated` when a signal arrived."""
        if self._terminated.is_set():
            raise Terminated

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._terminated.set()
        if not self._graceful:
            raise Terminated
