"""What a run leaves behind, and where: the results directory and the summary in it.

The summary is written last and at once, so its presence means that the adapter is complete.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

# As PEFT names them. Nothing else goes into the adapter's image.
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)


@dataclass(frozen=True, slots=True)
class Results:
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
    def started(self) -> Path:
        return self.root / "started.json"

    @property
    def cache(self) -> Path:
        return self.root / ".cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a finished training was. `loss` is the mean of the last logged ones, `seconds` runs
    from the first start in this pod, `fingerprint` says what was trained from what."""

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
    config_digest: str
    versions: dict[str, str] = field(default_factory=dict)


def fingerprint(*parts: str) -> str:
    """One word for everything that a run depends on; another one means another run."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def read_summary(path: Path) -> Summary | None:
    """The summary at `path`; None when there is none that can be read."""
    try:
        return Summary(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_summary(path: Path, summary: Summary) -> None:
    """Writes `summary` to `path`, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(summary), indent=1))
    part.replace(path)


def first_start(path: Path, now: datetime) -> datetime:
    """When this run began: what an earlier process of the pod recorded at `path`, else `now`,
    which is then recorded."""
    try:
        return datetime.fromisoformat(json.loads(path.read_bytes())["started_at"])
    except (OSError, ValueError, KeyError, TypeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"started_at": now.isoformat()}))
        return now
