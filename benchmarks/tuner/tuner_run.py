"""The tuner's training phase, metered: python -m benchmarks.tuner.tuner_run FOLDER.

Runs in .venv-models, as a process of its own, with the settings of its environment. It does what
`python -m tuner train` does, with a publisher that also reads the clocks.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.tuner.measurement import (
    Instant,
    Measurement,
    now,
    peak_memory_bytes,
    write_measurement,
)
from kaito_process import logs
from tuner.phases import train_phase
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState, TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch


class MeteredPublisher(StatusPublisher):
    """Reads the clocks when the training begins, and after each update."""

    began: Instant
    ended: Instant

    def publish(self, **changes: Any) -> None:
        super().publish(**changes)
        if changes.get("state") is RunState.RUNNING:
            self.began = now()
        elif "progress" in changes:
            self.ended = now()


def run(folder: Path) -> None:
    """Train as the environment says."""
    settings = Settings.from_env(os.environ)
    logs.configure(settings.log_level, "tuner", workspace=settings.name)
    publisher = MeteredPublisher(
        TuningRun(
            name=settings.name,
            base_model=settings.base_model,
            method=settings.method,
            start_time=datetime.now(UTC),
        )
    )
    summary = train_phase(settings, publisher, StopSwitch(), os.environ)
    if summary is None:
        raise SystemExit("the training was stopped")
    measured = Measurement.between(
        publisher.began, publisher.ended, summary.steps, peak_memory_bytes()
    )
    write_measurement(folder, measured)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
