"""A run as a value: what it is, which state it is in, how far it is. No clock, no transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tuner.errors import RunError


class RunState(StrEnum):
    """The state of a run, under the contract's names."""

    LOADING = "LOADING"
    PREPARING = "PREPARING"
    RUNNING = "RUNNING"
    PUSHING = "PUSHING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


TERMINAL_STATES = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is. Steps are optimizer steps and continue over restarts; rates are those of
    this process. `eval_loss` is the loss on the rows held back, at `eval_step`. Of preferences,
    `reward_accuracy` is the share of pairs whose chosen answer has the higher reward, and
    `reward_margin` by how much on average."""

    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    reward_accuracy: float | None = None
    reward_margin: float | None = None
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None
    eval_loss: float | None = None
    eval_step: int | None = None
    resumed_step: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that training can resume from."""

    step: int
    path: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Divergence:
    """The loss got worse: at `step` the mean of the last losses was `loss`, and the lowest mean
    before was `lowest_loss`."""

    step: int
    loss: float
    lowest_loss: float
    remedy: str


@dataclass(frozen=True, slots=True)
class LostRows:
    """Of `rows`, how many are not trained on, and how many only in part; both by cause."""

    rows: int
    dropped: int
    cut: int
    by_cause: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """What tensors have occupied at most, and what the GPU has."""

    peak_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class PushedAdapter:
    """The adapter in its registry; `size` is that of its compressed layer, in bytes."""

    image: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRun:
    """One fine-tuning run at one moment. `name` is "<namespace>/<workspace>"."""

    name: str
    base_model: str
    method: str
    start_time: datetime
    state: RunState = RunState.LOADING
    progress: Progress = field(default_factory=Progress)
    end_time: datetime | None = None
    error: RunError | None = None
    checkpoint: Checkpoint | None = None
    adapter: PushedAdapter | None = None
    divergence: Divergence | None = None
    lost_rows: LostRows | None = None
    gpu_memory: GpuMemory | None = None

    @property
    def ended(self) -> bool:
        """True once the run is in a terminal state."""
        return self.state in TERMINAL_STATES
