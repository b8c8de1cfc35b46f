"""The results directory: what a run leaves behind, and where.

The summary is written last and atomically, so its presence means that the adapter is complete.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# The leading dot hides it from the listing of data files.
REPORT_NAME = ".kaito-report.json"
# As PEFT names them.
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
# Beside them, for people; engines read neither.
ADAPTER_CARD = "README.md"
ADAPTER_SUMMARY = "training_summary.json"
LOSS_HISTORY = "loss.json"
LOSS_CURVE = "loss.png"
# All that goes into the adapter's image.
IMAGE_FILES = (*ADAPTER_FILES, ADAPTER_CARD, ADAPTER_SUMMARY, LOSS_HISTORY, LOSS_CURVE)


@dataclass(frozen=True, slots=True)
class ResultsDirectory:
    """The paths below KAITO_RESULTS_DIR."""

    root: Path

    @property
    def adapter(self) -> Path:
        return self.root / "adapter"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"

    @property
    def loss_history(self) -> Path:
        return self.root / LOSS_HISTORY

    @property
    def loss_curve(self) -> Path:
        return self.root / LOSS_CURVE

    @property
    def data_report(self) -> Path:
        return self.root / REPORT_NAME

    @property
    def started(self) -> Path:
        return self.root / "started.json"

    @property
    def failure(self) -> Path:
        return self.root / "failure.json"

    @property
    def memory_limit(self) -> Path:
        return self.root / "memory_limit.json"

    def adapter_start(self, fingerprint: str) -> Path:
        """What the adapter of that training starts from, where it is not zero."""
        return self.root / f"adapter-start-{fingerprint}"

    @property
    def tried(self) -> Path:
        return self.root / "tried.json"

    @property
    def deaths(self) -> Path:
        return self.root / "deaths.json"

    @property
    def log(self) -> Path:
        return self.root / "trainer.log"

    @property
    def cache(self) -> Path:
        return self.root / ".cache"


def record_start(path: Path, now: datetime) -> datetime:
    """When this run began: the time that an earlier process of the pod recorded at `path`.

    The first process of a run finds none and records `now`.
    """
    try:
        return datetime.fromisoformat(json.loads(path.read_bytes())["started_at"])
    except (OSError, ValueError, KeyError, TypeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"started_at": now.isoformat()}))
        return now
