"""How often and when a thing that failed for a passing cause is tried again."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class TransientError(Exception):
    """A passing failure. `after` is how many seconds the other side asked to wait, if it did."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Tries in all, the first pause in seconds (it doubles), the longest pause, and the clock."""

    tries: int = 5
    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after the `attempt`-th try (from 1); `asked` is the server's wish."""
        wanted = asked if asked is not None else self.first_seconds * 2 ** (attempt - 1)
        return max(0.0, min(wanted, self.longest_seconds))


def persist(work: Callable[[], Result], patience: Patience) -> Result:
    """`work()` once it succeeds. The last `TransientError` passes through when patience is out."""
    for attempt in range(1, patience.tries):
        try:
            return work()
        except TransientError as trouble:
            pause = patience.pause(attempt, trouble.after)
            logger.warning("try %d of %d failed: %s", attempt, patience.tries, trouble)
            patience.sleep(pause)
    return work()
