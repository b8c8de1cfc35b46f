"""One loop per key: serial for each, concurrent over all, woken by changes and by time.

A key is woken any number of times and runs once afterwards; a pass that fails is tried again
with growing pauses. What a pass does must follow from what it observes, never from the wake-up.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kaito_kube.errors import ClusterError
from kaito_kube.kinds import Key
from kaito_process.logs import log_context

LOG = logging.getLogger(__name__)

Reconcile = Callable[[Key], Awaitable[float | None]]
"""One pass over one key; returns the seconds after which to look again unasked, or None."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once, and how the pauses after failures grow."""

    concurrency: int = 16
    first_pause: float = 0.5
    longest_pause: float = 60.0


@dataclass(slots=True)
class _Entry:
    running: bool = False
    woken: bool = False
    failures: int = 0
    timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass
class KeyedLoops:
    """`name` is what keys are called in logs, for example "workspace"."""

    name: str
    reconcile: Reconcile
    pace: Pace = Pace()
    rng: random.Random = field(default_factory=random.Random)
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    # A dict for its order: a set of tasks has another one in every process.
    _tasks: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _slots: asyncio.Semaphore | None = None
    _running: bool = False

    def start(self) -> None:
        """From now on woken keys run; those woken before run at once."""
        self._slots = asyncio.Semaphore(self.pace.concurrency)
        self._running = True
        for key, entry in self._entries.items():
            if entry.woken:
                self._spawn(key, entry)

    async def stop(self) -> None:
        """Cancels what runs, at whatever await it is."""
        self._running = False
        for entry in self._entries.values():
            entry.stop_timer()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, key: Key) -> None:
        """Asks for a pass; while a failed key waits out its pause, after that pause."""
        entry = self._entries.setdefault(key, _Entry())
        entry.woken = True
        waits = entry.failures > 0 and entry.timer is not None
        if self._running and not entry.running and not waits:
            self._spawn(key, entry)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def busy(self) -> int:
        """Keys that run or are about to."""
        return sum(entry.running or entry.woken for entry in self._entries.values())

    def _spawn(self, key: Key, entry: _Entry) -> None:
        entry.running = True
        task = asyncio.create_task(self._drain(key, entry), name=f"{self.name} {key}")
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _drain(self, key: Key, entry: _Entry) -> None:
        """Passes until nothing woke the key during the last one, or that one failed."""
        assert self._slots is not None
        pause: float | None = None
        try:
            while entry.woken and self._running and not (entry.failures and pause):
                entry.woken = False
                entry.stop_timer()
                async with self._slots:
                    pause = await self._pass(key, entry)
        finally:
            entry.running = False
        if pause is not None:
            self._ring_in(key, entry, pause)
        elif not entry.woken:
            del self._entries[key]

    async def _pass(self, key: Key, entry: _Entry) -> float | None:
        with log_context(**{self.name: str(key)}):
            try:
                pause = await self.reconcile(key)
            except Exception as error:
                entry.failures += 1
                pause = self._backoff(entry.failures)
                LOG.warning("%s; again in %.1f s", error, pause, exc_info=_is_bug(error))
                return pause
        entry.failures = 0
        return pause

    def _backoff(self, failures: int) -> float:
        pause = self.pace.first_pause * 2.0 ** min(failures - 1, 16)
        return min(pause, self.pace.longest_pause) * self.rng.uniform(0.7, 1.3)

    def _ring_in(self, key: Key, entry: _Entry, seconds: float) -> None:
        def ring() -> None:
            entry.timer = None
            entry.woken = True
            if self._running and not entry.running:
                self._spawn(key, entry)

        entry.timer = asyncio.get_running_loop().call_later(seconds, ring)


def _is_bug(error: Exception) -> bool:
    """What the outside refused says enough in its message; anything else needs its trace."""
    return not isinstance(error, ClusterError)
