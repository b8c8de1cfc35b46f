"""A work queue with one worker per key: serial for a key, concurrent across keys.

As in client-go, a key that is enqueued many times before its worker runs is reconciled once, and
a key whose pass fails is retried with exponential backoff. A pass must decide from what it
observes, never from which event enqueued its key.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kaito_kube.errors import ClusterError
from kaito_kube.kinds import Key
from kaito_process.logs import log_context

logger = logging.getLogger(__name__)

Reconcile = Callable[[Key], Awaitable[float | None]]
"""One pass over one key. Returns `requeue_after_seconds`, or None to wait for the next change."""

# 2 ** 16 base delays exceed any sensible maximum, and larger powers overflow a float.
_MAX_DOUBLINGS = 16
# Spreads the retries of keys that failed together.
_JITTER = (0.7, 1.3)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many keys run at once, and the exponential backoff after a failed pass."""

    concurrency: int = 16
    base_delay_seconds: float = 0.5
    max_delay_seconds: float = 60.0


@dataclass(slots=True)
class _Entry:
    running: bool = False
    queued: bool = False
    failures: int = 0
    timer: asyncio.TimerHandle | None = None

    def cancel_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass
class WorkQueue:
    """`name` is what the logs call a key, for example "workspace"."""

    name: str
    reconcile: Reconcile
    rate_limit: RateLimit = RateLimit()
    rng: random.Random = field(default_factory=random.Random)
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    # A dict keeps insertion order. A set of tasks is ordered differently in every process.
    _tasks: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _slots: asyncio.Semaphore | None = None
    _running: bool = False

    def start(self) -> None:
        """Starts processing, beginning with the keys that are already queued."""
        self._slots = asyncio.Semaphore(self.rate_limit.concurrency)
        self._running = True
        for key, entry in self._entries.items():
            if entry.queued:
                self._spawn(key, entry)

    async def stop(self) -> None:
        """Cancels every running pass, at whichever await it has reached."""
        self._running = False
        for entry in self._entries.values():
            entry.cancel_timer()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def enqueue(self, key: Key) -> None:
        """Requests a pass. A key in backoff stays there until its delay has passed."""
        entry = self._entries.setdefault(key, _Entry())
        entry.queued = True
        in_backoff = entry.failures > 0 and entry.timer is not None
        if self._running and not entry.running and not in_backoff:
            self._spawn(key, entry)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def active(self) -> int:
        """How many keys are running or queued."""
        return sum(entry.running or entry.queued for entry in self._entries.values())

    def _spawn(self, key: Key, entry: _Entry) -> None:
        entry.running = True
        task = asyncio.create_task(self._drain(key, entry), name=f"{self.name} {key}")
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _drain(self, key: Key, entry: _Entry) -> None:
        """Runs passes until none is queued or one has failed."""
        assert self._slots is not None
        delay: float | None = None
        try:
            while entry.queued and self._running and not (entry.failures and delay):
                entry.queued = False
                entry.cancel_timer()
                async with self._slots:
                    delay = await self._pass(key, entry)
        finally:
            entry.running = False
        if delay is not None:
            self._enqueue_after(key, entry, delay)
        elif not entry.queued:
            del self._entries[key]

    async def _pass(self, key: Key, entry: _Entry) -> float | None:
        with log_context(**{self.name: str(key)}):
            try:
                delay = await self.reconcile(key)
            except Exception as error:
                entry.failures += 1
                delay = self._backoff(entry.failures)
                logger.warning("%s; retrying in %.1f s", error, delay, exc_info=_is_bug(error))
                return delay
        entry.failures = 0
        return delay

    def _backoff(self, failures: int) -> float:
        delay = self.rate_limit.base_delay_seconds * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        return min(delay, self.rate_limit.max_delay_seconds) * self.rng.uniform(*_JITTER)

    def _enqueue_after(self, key: Key, entry: _Entry, seconds: float) -> None:
        def expire() -> None:
            entry.timer = None
            entry.queued = True
            if self._running and not entry.running:
                self._spawn(key, entry)

        entry.timer = asyncio.get_running_loop().call_later(seconds, expire)


def _is_bug(error: Exception) -> bool:
    """Whether to log a traceback. The message of an API server's error says enough."""
    return not isinstance(error, ClusterError)
