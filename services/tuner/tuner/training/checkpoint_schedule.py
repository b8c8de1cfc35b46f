"""When the next checkpoint is due. No clock: times are passed in, in seconds."""

from dataclasses import dataclass

# The share of the training time that writing checkpoints may take.
MAX_OVERHEAD = 0.02


@dataclass(frozen=True, slots=True)
class CheckpointSchedule:
    """The shortest interval, when the last checkpoint was complete, and how long it took to write.

    Checkpoints follow the clock, whatever save_strategy says: a kill costs time, not steps.
    """

    min_interval_seconds: float
    last: float
    cost_seconds: float = 0.0

    def is_due(self, now: float) -> bool:
        """True if the next checkpoint should be written."""
        return now - self.last >= max(self.min_interval_seconds, self.cost_seconds / MAX_OVERHEAD)
