"""A process: it can be stopped and go on, and die at any await."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from tests.simulation.loop import GATE, VirtualLoop

API, ARM = "API server", "ARM"


class Connection(Protocol):
    """Something that breaks when the network does."""

    def breaks(self) -> None: ...

    def close(self) -> None: ...


class Process:
    """One life. Its connections are cut by its death, before any of its code could run again, so
    that no clean-up of it reaches the outside."""

    def __init__(
        self, loop: VirtualLoop, name: str, died: Callable[["Process", str], None]
    ) -> None:
        self.name = name
        self.alive = True
        self.stopped = False
        self.cut_off: set[str] = set()
        self.connections: dict[Connection, None] = {}
        self._loop = loop
        self._died = died
        self._kept: list[asyncio.Handle] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def start(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        context = contextvars.copy_context()
        context.run(GATE.set, self)
        task = self._loop.create_task(main(), context=context)
        task.add_done_callback(self._ended, context=contextvars.copy_context())

    def admits(self, handle: asyncio.Handle) -> bool:
        if self.stopped:
            self._kept.append(handle)
        return not self.stopped

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop, context=contextvars.Context())

    def stop(self) -> None:
        """SIGSTOP: nothing of it runs, what it has sent is on its way."""
        self.stopped = True

    def go_on(self) -> None:
        self.stopped = False
        self._loop.take_back(self, self._kept)
        self._kept = []

    def kill(self, why: str) -> None:
        """SIGKILL."""
        if self.alive:
            self._die(why)

    def check(self) -> None:
        """The dead ask for nothing: code of theirs that still runs ends here."""
        if not self.alive:
            raise asyncio.CancelledError

    def _die(self, why: str) -> None:
        self.alive = False
        self.go_on()
        for connection in list(self.connections):
            connection.close()
        for task in list(self._tasks):
            task.cancel()
        self._died(self, why)

    def cut(self, server: str) -> None:
        """No packet to or from that server; whoever waits for one finds out late."""
        self.cut_off.add(server)

    def heal(self, server: str) -> None:
        self.cut_off.discard(server)
        if server == API:
            for connection in list(self.connections):
                connection.breaks()

    def _ended(self, main: asyncio.Task[None]) -> None:
        if self.alive:
            error = None if main.cancelled() else main.exception()
            self._die(f"ended by {error!r}" if error is not None else "ended")
