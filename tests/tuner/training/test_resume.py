"""A training that is interrupted anywhere, and goes on: the same data, the same adapter."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tuner.phases import train_phase
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.training.checkpoint_schedule import CheckpointSchedule
from tuner.training.counting_trainer import CountingTrainer

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("conversations")]

# 24 rows are 3 updates an epoch. Dropout draws from the random state that a checkpoint has to keep.
CONFIG = """
training_config:
  LoraConfig: {r: 4, lora_alpha: 8, lora_dropout: 0.1}
  TrainingArguments:
    max_steps: 8
    learning_rate: 2e-2
    per_device_train_batch_size: 4
    gradient_accumulation_steps: 2
  DatasetConfig: {train_test_split: 1}
"""
Batches = dict[int, list[list[int]]]


class NodeLost(BaseException):
    """Ends the process, as far as the code around it can tell."""


@pytest.fixture
def run(environ: dict[str, str], model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Trains into a directory, and may lose its node in one step. Returns the data of each step."""
    environ["KAITO_MODEL_PATH"] = str(model_dir)
    Path(environ["KAITO_CONFIG_FILE"]).write_text(CONFIG)
    # A checkpoint after each step, however long it takes.
    monkeypatch.setattr(CheckpointSchedule, "is_due", lambda *_: True)
    plain = CountingTrainer.training_step

    def train(results: Path, lost_in: int | None = None) -> Batches:
        seen: Batches = {}

        def step(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
            number = self.state.global_step + 1
            batches = seen.setdefault(number, [])
            if number == lost_in and len(batches) == 1:
                # In the middle of an update, after the first of its two batches.
                raise NodeLost
            batches.append(inputs["input_ids"].flatten().tolist())
            return plain(self, model, inputs, *rest)

        monkeypatch.setattr(CountingTrainer, "training_step", step)
        settings = Settings.from_env({**environ, "KAITO_RESULTS_DIR": str(results)})
        run = TuningRun(
            name=settings.name,
            base_model=settings.base_model,
            method=settings.method,
            start_time=datetime.now(UTC),
        )
        train_phase(settings, StatusPublisher(run), StopSwitch(), {})
        return seen

    return train


def adapter_of(results: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = load_file(results / "adapter/adapter_model.safetensors")
    return weights


def test_an_interrupted_run_learns_the_same_from_the_same_data(run: Any, tmp_path: Path) -> None:
    """Lost in the first update, at the border of an epoch, in its middle, and twice in a row."""
    whole = run(tmp_path / "whole")
    assert sorted(whole) == list(range(1, 9))
    expected = adapter_of(tmp_path / "whole")
    for lost in ((1,), (4,), (6,), (3, 7)):
        results = tmp_path / f"lost-{lost}"
        for step in lost:
            with pytest.raises(NodeLost):
                run(results, lost_in=step)
        resumed = run(results)
        assert sorted(resumed) == list(range(lost[-1], 9)), "one update is computed again"
        assert resumed == {step: whole[step] for step in resumed}
        for name, tensor in adapter_of(results).items():
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)
