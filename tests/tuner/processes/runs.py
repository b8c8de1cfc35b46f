"""Trainings whose processes meet over gloo on the CPU, and how two of them are compared."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.tuner import tiny
from tests.tuner.process import run_tuner, running_tuner, wait_for
from tuner.training.checkpoints import MARKER

# 21 rows and 8 an update: each epoch ends with an update that two processes cannot share evenly.
CONFIG = """
training_config:
  QuantizationConfig: {load_in_4bit: false}
  LoraConfig: {r: 4, lora_alpha: 8}
  TrainingArguments:
    num_train_epochs: 40
    learning_rate: 2e-4
    per_device_train_batch_size: 8
  DatasetConfig: {train_test_split: 1}
"""
UPDATES = 3 * 40
# Of losses near 6, in float32: the processes add the same numbers in another order.
TOLERANCE = 1e-4


class Run:
    """A run whose results are in `root`; all runs have the same model, data and configuration."""

    def __init__(self, root: Path, model: Path) -> None:
        self.root, self.results = root, root / "results"
        shutil.copytree(model, root / "model")
        (root / "data").mkdir()
        tiny.write_parquet(root / "data/train.parquet", tiny.conversations(21))
        (root / "training_config.yaml").write_text(CONFIG)
        self.environ = {
            "KAITO_POD_UID": "pod-1",
            "KAITO_BASE_MODEL": "phi-3-tiny",
            "KAITO_DATA_DIR": str(root / "data"),
            "KAITO_MODEL_PATH": str(root / "model"),
            "KAITO_CONFIG_FILE": str(root / "training_config.yaml"),
            "KAITO_RESULTS_DIR": str(self.results),
            "KAITO_TERMINATION_LOG": str(root / "termination-log"),
            "KAITO_GRPC_PORT": "0",
            "KAITO_METRICS_PORT": "0",
            "KAITO_CPU_BFLOAT16": "false",
            "KAITO_CHECKPOINT_SECONDS": "0.1",
        }

    def train(self, processes: int) -> str:
        """Train to the end, and return the log."""
        environ = {**self.environ, "KAITO_PROCESSES": str(processes)}
        code, out, err = run_tuner("train", environ, seconds=600)
        assert code == 0, out + err
        return out

    @contextmanager
    def training(self, processes: int, after: int = 0) -> Iterator[Any]:
        """A training that has written a checkpoint after that of the step `after`."""
        environ = {**self.environ, "KAITO_PROCESSES": str(processes)}
        with running_tuner("train", environ) as process:
            wait_for(lambda: self.checkpoints()[-1:] > [after] or process.poll() is not None)
            yield process

    def checkpoints(self) -> list[int]:
        found = self.results.glob(f"checkpoints/*/{MARKER}")
        return sorted(int(path.parent.name.rpartition("-")[2]) for path in found)

    def points(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.results / "loss.json").read_bytes())[
            "points"
        ]
        return found

    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "termination-log").read_bytes())
        return found


def assert_same(run: Run, alone: Run) -> None:
    """`run` has learned what `alone` has, update by update."""
    assert len(run.points()) == len(alone.points()) == UPDATES
    for found, expected in zip(run.points(), alone.points(), strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=TOLERANCE)
        assert found["tokens"] == expected["tokens"]
    weights, others = (
        load_file(each.results / "adapter" / "adapter_model.safetensors") for each in (run, alone)
    )
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert (weight - others[name]).abs().max() < TOLERANCE, name
