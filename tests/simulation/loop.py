"""An event loop in virtual time, which jumps to the next timer.

A callback's context identifies its process; the callbacks of a paused process are held back until
it resumes. Nothing depends on the machine's clock, on object addresses or on hashes.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol, TypeVar, TypeVarTuple

Value = TypeVar("Value")
Arguments = TypeVarTuple("Arguments")

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class ProcessScope(Protocol):
    """What the loop needs to know about a process."""

    def admits(self, handle: asyncio.Handle) -> bool:
        """Whether the callback may run now; otherwise the process keeps it."""
        ...

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Register a new task of the process."""
        ...


CURRENT_PROCESS: ContextVar[ProcessScope | None] = ContextVar("process", default=None)


class Deadlock(Exception):
    """Everything waits and no timer is set, so nothing will ever happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._moment = 0.0
        self._queue: deque[tuple[ProcessScope | None, asyncio.Handle]] = deque()
        self._timers: list[tuple[float, int, ProcessScope | None, asyncio.TimerHandle]] = []
        self._numbers = count()
        self._world = contextvars.copy_context()

    def time(self) -> float:
        return self._moment

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._queue.append((_process_in(context), handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), _process_in(context), handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._moment + delay, callback, *args, context=context)

    def create_task(
        self,
        coro: Generator[Any, None, Value] | Coroutine[Any, Any, Value],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[Value]:
        task_name = None if name is None else str(name)
        task = asyncio.Task(coro, loop=self, name=task_name, context=context)
        if (process := _process_in(context)) is not None:
            process.adopt(task)
        return task

    def call_external(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back after `delay` seconds, outside any process."""
        self.call_at(self._moment + delay, callback, *args, context=self._world)

    def requeue(self, process: ProcessScope, handles: list[asyncio.Handle]) -> None:
        """Run the callbacks that a process kept next, in their order."""
        self._queue.extendleft((process, handle) for handle in reversed(handles))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it in the heap; it is dropped when its time comes."""

    def _run_once(self) -> None:
        if not self._queue:
            self._jump()
        for _ in range(len(self._queue)):
            process, handle = self._queue.popleft()
            if not handle.cancelled() and (process is None or process.admits(handle)):
                handle._run()

    def _jump(self) -> None:
        """Advance time to the next timer."""
        timers = self._timers
        while timers and timers[0][-1].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Deadlock("everything waits, and no timer is set")
        self._moment = timers[0][0]
        while timers and timers[0][0] <= self._moment:
            _, _, process, handle = heapq.heappop(timers)
            self._queue.append((process, handle))


def _process_in(context: Context | None) -> ProcessScope | None:
    """The process of a context; None means the current context."""
    return CURRENT_PROCESS.get() if context is None else context.get(CURRENT_PROCESS)


class LoopClock:
    """The loop's time as a date."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())
