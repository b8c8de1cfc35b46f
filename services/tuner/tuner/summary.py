"""The summary of a finished training, and the fingerprint that says which training it was."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSummary:
    """A finished training.

    `fingerprint` identifies its inputs, `loss` is the mean of the last logged losses, and `seconds`
    counts from the first start in this pod. `plan` is how the batches were computed. Of
    `dataset_rows`, `rows_dropped` were not trained on and `rows_cut` only in part. `dataset_files`
    are the SHA-256 of each file of the data, in hex, by its name.
    """

    fingerprint: str
    base_model: str
    method: str
    steps: int
    epochs: float
    loss: float | None
    eval_loss: float | None = None
    tokens: int
    seconds: float
    finished_at: str
    dataset_digest: str
    dataset_rows: int
    dataset_files: dict[str, str] = field(default_factory=dict)
    rows_dropped: int = 0
    rows_cut: int = 0
    config_digest: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def fingerprint(*parts: str) -> str:
    """A digest of everything that a run depends on: a different one means a different run."""
    # The separator keeps ("ab", "c") and ("a", "bc") apart.
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def read_summary(path: Path) -> TrainingSummary | None:
    """The summary at `path`; None if it is missing or unreadable."""
    try:
        return TrainingSummary(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_summary(path: Path, summary: TrainingSummary) -> None:
    """Write `summary` to `path` atomically."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(summary), indent=1))
    part.replace(path)
