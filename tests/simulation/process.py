"""A simulated process: it can be paused and resumed, and die at any await."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kaito_kube.clock import Clock
from tests.simulation.loop import CURRENT_PROCESS, VirtualLoop

API, ARM = "API server", "ARM"


class Connection(Protocol):
    """A connection that a network failure resets."""

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Process:
    """One process, from start to death. `machine_clock` is the time of day where it runs.

    Death closes its connections before any of its code can run again, so that no clean-up reaches
    the outside.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        name: str,
        died: Callable[["Process", str], None],
        machine_clock: Clock,
    ) -> None:
        self.name = name
        self.machine_clock = machine_clock
        self.alive = True
        self.paused = False
        self.disconnected_from: set[str] = set()
        self.connections: dict[Connection, None] = {}
        self._loop = loop
        self._died = died
        self._held: list[asyncio.Handle] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def start(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        context = contextvars.copy_context()
        context.run(CURRENT_PROCESS.set, self)
        task = self._loop.create_task(main(), context=context)
        task.add_done_callback(self._ended, context=contextvars.copy_context())

    def admits(self, handle: asyncio.Handle) -> bool:
        if self.paused:
            self._held.append(handle)
        return not self.paused

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop, context=contextvars.Context())

    def pause(self) -> None:
        """SIGSTOP: nothing runs, but calls in flight continue."""
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._loop.requeue(self, self._held)
        self._held = []

    def kill(self, why: str) -> None:
        """SIGKILL."""
        if self.alive:
            self._die(why)

    def check(self) -> None:
        """End code that still runs after the process has died, before it makes another call.

        Raises:
            CancelledError: the process is dead.
        """
        if not self.alive:
            raise asyncio.CancelledError

    def _die(self, why: str) -> None:
        self.alive = False
        self.resume()
        for connection in list(self.connections):
            connection.close()
        for task in list(self._tasks):
            task.cancel()
        self._died(self, why)

    def disconnect(self, server: str) -> None:
        """Drop all packets to and from a server; callers notice only by their timeouts."""
        self.disconnected_from.add(server)

    def reconnect(self, server: str) -> None:
        self.disconnected_from.discard(server)
        if server == API:
            for connection in list(self.connections):
                connection.reset()

    def _ended(self, main: asyncio.Task[None]) -> None:
        if self.alive:
            error = None if main.cancelled() else main.exception()
            self._die(f"ended by {error!r}" if error is not None else "ended")
