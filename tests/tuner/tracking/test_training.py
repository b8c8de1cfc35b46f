"""Real trainings that report to TensorBoard, whose library is in the image."""

import os
import shutil
from pathlib import Path

import pytest

from tests.tuner.training.test_train import CONFIG, _publisher
from tuner.phases import train_phase
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch

pytestmark = pytest.mark.timeout(400)


def _steps_of_a_run(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, logs: Path) -> int:
    Path(environ["KAITO_CONFIG_FILE"]).write_text(CONFIG.format(qlora="false", steps=3, split=0.75))
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(logs))
    settings = Settings.from_env(environ)
    summary = train_phase(settings, _publisher(settings), StopSwitch(), dict(os.environ))
    assert summary is not None
    return summary.steps


@pytest.fixture(autouse=True)
def model(tmp_path: Path, model_dir: Path) -> Path:
    return shutil.copytree(model_dir, tmp_path / "model")


@pytest.mark.usefixtures("conversations")
def test_run_is_reported_to_tensorboard(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _steps_of_a_run(environ, monkeypatch, tmp_path / "logs") == 3
    (events,) = (tmp_path / "logs").glob("events.out.tfevents.*")
    recorded = events.read_bytes()
    assert recorded.count(b"train/loss") == 3
    assert recorded.count(b"eval/loss") == 1


@pytest.mark.usefixtures("conversations")
def test_tracker_that_cannot_be_reached_does_not_fail_the_run(
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("no directory")
    assert _steps_of_a_run(environ, monkeypatch, tmp_path / "file" / "logs") == 3
    assert "cannot report to TensorBoard: NotADirectoryError" in caplog.text
