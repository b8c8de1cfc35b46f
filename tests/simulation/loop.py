"""An event loop without a world: time is a number that jumps to the next timer.

Every callback knows by its context which process it belongs to; one that is stopped has its
callbacks put by until it goes on. Nothing here depends on the machine's clock, on addresses of
objects or on hashes.
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


class Gate(Protocol):
    """A process, as the loop sees it."""

    def admits(self, handle: asyncio.Handle) -> bool:
        """Whether the callback may run now; one that may not is the gate's to keep."""
        ...

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task of that process was made."""
        ...


GATE: ContextVar[Gate | None] = ContextVar("gate", default=None)


class Standstill(Exception):
    """Everything waits and no timer is set: nothing will ever happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._moment = 0.0
        self._queue: deque[tuple[Gate | None, asyncio.Handle]] = deque()
        self._timers: list[tuple[float, int, Gate | None, asyncio.TimerHandle]] = []
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
        self._queue.append((_gate_in(context), handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), _gate_in(context), handle))
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
        told = None if name is None else str(name)
        task = asyncio.Task(coro, loop=self, name=told, context=context)
        if (gate := _gate_in(context)) is not None:
            gate.adopt(task)
        return task

    def outside(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """After that many seconds, as something that belongs to no process."""
        self.call_at(self._moment + delay, callback, *args, context=self._world)

    def take_back(self, gate: Gate, handles: list[asyncio.Handle]) -> None:
        """Callbacks that the gate kept, in their order, to be run next."""
        self._queue.extendleft((gate, handle) for handle in reversed(handles))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays in the heap until its time comes."""

    def _run_once(self) -> None:
        if not self._queue:
            self._jump()
        for _ in range(len(self._queue)):
            gate, handle = self._queue.popleft()
            if not handle.cancelled() and (gate is None or gate.admits(handle)):
                handle._run()

    def _jump(self) -> None:
        """To the next moment at which anything is due."""
        timers = self._timers
        while timers and timers[0][-1].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Standstill("everything waits, and no timer is set")
        self._moment = timers[0][0]
        while timers and timers[0][0] <= self._moment:
            _, _, gate, handle = heapq.heappop(timers)
            self._queue.append((gate, handle))


def _gate_in(context: Context | None) -> Gate | None:
    """Whose a callback of that context is; None is the present one."""
    return GATE.get() if context is None else context.get(GATE)


class LoopClock:
    """The loop's time as a date; `skew` is how many seconds this clock is ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew: float = 0.0) -> None:
        self._loop = loop
        self._skew = skew

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time() + self._skew)
