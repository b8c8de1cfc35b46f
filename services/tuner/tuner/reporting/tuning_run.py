"""A run as a value: what it is, where it stands, how far it is. Knows no clock and no transport."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tuner.errors import RunError


class State(StrEnum):
    """Where a run is; the names are those of the contract."""

    LOADING = "LOADING"
    PREPARING = "PREPARING"
    RUNNING = "RUNNING"
    PUSHING = "PUSHING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Steps are optimizer steps counted over restarts; rates are per second of this process."""

    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that training can go on from."""

    step: int
    path: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Pushed:
    """The adapter as it lies in its registry; `size` is the layer's, in bytes, compressed."""

    image: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One fine-tuning run, at one moment."""

    name: str
    base_model: str
    method: str
    start_time: datetime
    state: State = State.LOADING
    progress: Progress = field(default_factory=Progress)
    end_time: datetime | None = None
    error: RunError | None = None
    checkpoint: Checkpoint | None = None
    adapter: Pushed | None = None

    @property
    def ended(self) -> bool:
        """True when the run will not change any more."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Pace:
    """Where this process took the run up, from which rates and the time left follow."""

    step: int
    tokens: int
    time: float

    def tokens_per_second(self, tokens: int, now: float) -> float:
        """Tokens per second since the start, given the `tokens` seen until `now`."""
        elapsed = now - self.time
        return (tokens - self.tokens) / elapsed if elapsed > 0 else 0.0

    def eta_seconds(self, step: int, total_steps: int, now: float) -> float | None:
        """Seconds left at the mean pace so far; None before the first step."""
        done = step - self.step
        if done <= 0 or total_steps <= 0:
            return None
        return (now - self.time) / done * max(0, total_steps - step)
