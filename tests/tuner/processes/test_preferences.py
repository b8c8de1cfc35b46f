"""Learning from preferences on one process and on two, which meet over gloo on the CPU."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tuner.process import run_tuner
from tests.tuner.training.test_preferences import rows
from tuner.phases import train_phase
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch

# Each process imports torch and the libraries on top of it: a minute on a busy machine.
pytestmark = pytest.mark.timeout(900)
# Of 14 rows, 11 are trained on: each epoch ends with an update of 3 pairs, which two processes
# cannot share evenly.
CONFIG = """
training_config:
  ModelConfig: {torch_dtype: float32}
  QuantizationConfig: {load_in_4bit: false}
  LoraConfig: {r: 4, lora_alpha: 8}
  TrainingArguments:
    num_train_epochs: 3
    learning_rate: 2e-3
    per_device_train_batch_size: 4
  DatasetConfig: {train_test_split: 0.8}
"""
# Of losses near 0.5, in float32: the processes add the same numbers in another order.
TOLERANCE = 1e-3


def environ_of(root: Path, model: Path) -> dict[str, str]:
    (root / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows(14)), root / "data/train.parquet")
    (root / "training_config.yaml").write_text(CONFIG)
    return {
        "KAITO_METHOD": "dpo",
        "KAITO_BASE_MODEL": "phi-3-tiny",
        "KAITO_DATA_DIR": str(root / "data"),
        "KAITO_MODEL_PATH": str(model),
        "KAITO_CONFIG_FILE": str(root / "training_config.yaml"),
        "KAITO_RESULTS_DIR": str(root / "results"),
        "KAITO_TERMINATION_LOG": str(root / "termination-log"),
        "KAITO_GRPC_PORT": "0",
        "KAITO_METRICS_PORT": "0",
        "KAITO_CPU_BFLOAT16": "false",
    }


def points(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / "results/loss.json").read_bytes())["points"]
    return found


def test_two_processes_learn_what_one_does(tmp_path: Path, model_dir: Path) -> None:
    alone, both = tmp_path / "alone", tmp_path / "both"
    settings = Settings.from_env(environ_of(alone, model_dir))
    begun = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    assert train_phase(settings, StatusPublisher(begun), StopSwitch(), {}) is not None
    code, out, err = run_tuner(
        "train", {**environ_of(both, model_dir), "KAITO_PROCESSES": "2"}, seconds=600
    )
    assert code == 0, out + err
    assert len(points(alone)) == len(points(both)) == 9
    for found, expected in zip(points(both), points(alone), strict=True):
        for name in ("loss", "reward_margin"):
            assert found[name] == pytest.approx(expected[name], abs=TOLERANCE), name
        assert found["tokens"] == expected["tokens"]
    # Blank pairs, which are never right, would lower it.
    assert points(both)[-1]["reward_accuracy"] == points(alone)[-1]["reward_accuracy"]
    summary = json.loads((both / "results/summary.json").read_bytes())
    assert summary["plan"]["processes"] == 2
    assert summary["eval_loss"] is not None
