"""The run that every other one is compared with."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tuner.processes.runs import Run
from tuner.phases import train_phase
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Run:
    """The run on one process that nothing interrupts: this one, which has the libraries."""
    run = Run(tmp_path_factory.mktemp("alone"), model_dir)
    settings = Settings.from_env(run.environ)
    begun = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    assert train_phase(settings, StatusPublisher(begun), StopSwitch(), {}) is not None
    return run


@pytest.fixture
def run(tmp_path: Path, model_dir: Path) -> Run:
    return Run(tmp_path, model_dir)
