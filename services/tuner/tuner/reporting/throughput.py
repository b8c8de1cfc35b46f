"""Rates and the remaining time of a run. No clock: times are passed in, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Throughput:
    """Where this process started: `step` and `tokens` done before, and its start `time`.

    A resumed run starts at a later step, which an earlier process reached at its own speed.
    """

    step: int
    tokens: int
    time: float

    def tokens_per_second(self, tokens: int, now: float) -> float:
        """The mean rate since the start; `tokens` counts all that were processed by `now`."""
        elapsed = now - self.time
        return (tokens - self.tokens) / elapsed if elapsed > 0 else 0.0

    def eta_seconds(self, step: int, total_steps: int, now: float) -> float | None:
        """Remaining seconds at the mean speed so far; None before the first step."""
        done = step - self.step
        if done <= 0 or total_steps <= 0:
            return None
        return (now - self.time) / done * max(0, total_steps - step)
