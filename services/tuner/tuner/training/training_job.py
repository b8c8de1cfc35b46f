"""The inputs of one training."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kaito_training.sections import TrainingConfig
from tuner.data.dataset import Dataset
from tuner.data_report.build import RunContext
from tuner.processes.rank import Rank
from tuner.results import ResultsDirectory
from tuner.training.agreement import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """Everything that one training depends on. `context` is for the report on the data.

    `fingerprint` identifies the inputs, and `attempt` the pod as well. `deaths` counts the
    processes before this one that were killed without a checkpoint in between. `agreement` is that
    with the other processes of the training, of which this is the `rank`; None if there are none.
    """

    base_model: str
    method: str
    model_path: Path
    config: TrainingConfig
    data: Dataset
    data_dir: Path
    results: ResultsDirectory
    fingerprint: str
    attempt: str
    deaths: int
    target_modules: tuple[str, ...]
    checkpoint_seconds: float
    cpu_bfloat16: bool
    started_at: datetime
    context: RunContext
    agreement: Agreement
    rank: Rank | None
