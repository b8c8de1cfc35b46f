"""Retries with exponential backoff for transient failures."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Below it a transfer of a gigabyte would take more than a week, with a GPU waiting.
MINIMUM_BYTES_PER_SECOND = 1024


class TransientError(Exception):
    """A failure that a retry may overcome. `retry_after_seconds` is what the server asked for."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How many attempts to make and how long to wait between them. The delay doubles each time.

    With the defaults a call gives up after 15 seconds of waiting: the kubelet restarts the
    container anyway, with its own backoff.
    """

    max_attempts: int = 5
    initial_delay_seconds: float = 1.0
    max_delay_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds; never set back."""

    def call(self, work: Callable[[], Result], progress: Callable[[], int] = lambda: 0) -> Result:
        """Call `work` until it succeeds or no attempts are left.

        `progress` counts the bytes that need not be transferred again. An attempt that added to
        them, at MINIMUM_BYTES_PER_SECOND or more, does not use up an attempt: over a link that
        breaks every few megabytes a transfer ends, however many attempts it takes, and over one
        that lets a byte through now and then it fails.

        Raises:
            TransientError: the last attempt failed.
        """
        failures, furthest = 0, progress()
        while True:
            started = self.clock()
            try:
                return work()
            except TransientError as error:
                reached = progress()
                if reached - furthest > MINIMUM_BYTES_PER_SECOND * (self.clock() - started):
                    failures = 0
                failures, furthest = failures + 1, max(furthest, reached)
                if failures >= self.max_attempts:
                    raise
                logger.warning("attempt %d of %d failed: %s", failures, self.max_attempts, error)
                self.sleep(self.delay_seconds(failures, error.retry_after_seconds))

    def delay_seconds(self, attempt: int, retry_after_seconds: float | None) -> float:
        """Seconds to wait after attempt number `attempt`, counted from 1."""
        backoff = self.initial_delay_seconds * 2 ** (attempt - 1)
        delay = backoff if retry_after_seconds is None else retry_after_seconds
        return max(0.0, min(delay, self.max_delay_seconds))
