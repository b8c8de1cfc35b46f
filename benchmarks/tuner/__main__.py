"""Measures the tuner's defaults beside TRL: as upstream KAITO configures it, and at its best.

One model, the same rows once, the same learning rate and LoRA, one compute thread; each training is
a process of its own. Processor seconds count, so that what else the machine does matters little.
The losses are those of the three adapters on rows held out, measured by the same program.

    python -m benchmarks.tuner [--rows 500]
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.tuner.contenders import BEST, LEARNING_RATE, PLAIN, TARGET_MODULES, TUNER
from benchmarks.tuner.measurement import Measurement, read_measurement
from benchmarks.tuner.results import report
from tools.preset_models import store

_PYTHON = ".venv-models/bin/python"
_OFFLINE = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
# One pass over all rows; everything else is the tuner's default.
_CONFIGURATION = f"""
training_config:
  TrainingArguments: {{num_train_epochs: 1, learning_rate: {LEARNING_RATE}}}
  DatasetConfig: {{train_test_split: 1}}
"""
# The shares of the rows that are held out.
_HELD_OUT = 0.1


def measure(folder: Path, rows: int) -> tuple[dict[str, Measurement], dict[str, float], int]:
    """What each training took, the loss with each adapter, and the tokens of the rows."""
    (folder / "model").symlink_to(store.model_folder())
    tokens = int(_run(folder, "data", str(folder), str(rows), str(round(rows * _HELD_OUT))))
    for name in (PLAIN, BEST):
        (folder / name).mkdir()
        _run(folder, "trl_run", name, str(folder))
    (folder / TUNER).mkdir()
    _run(folder, "tuner_run", str(folder / TUNER), **_settings(folder))
    measured = {name: read_measurement(folder / name) for name in (PLAIN, BEST, TUNER)}
    return measured, json.loads(_run(folder, "evaluate", str(folder))), tokens


def _settings(folder: Path) -> dict[str, str]:
    configuration = folder / "training_config.yaml"
    configuration.write_text(_CONFIGURATION)
    return {
        "KAITO_BASE_MODEL": "phi-3",
        "KAITO_DATA_DIR": str(folder / "train"),
        "KAITO_MODEL_PATH": str(folder / "model"),
        "KAITO_CONFIG_FILE": str(configuration),
        "KAITO_RESULTS_DIR": str(folder / TUNER),
        "KAITO_TERMINATION_LOG": str(folder / "termination"),
        "DEFAULT_TARGET_MODULES": ",".join(TARGET_MODULES),
    }


def _run(folder: Path, module: str, *arguments: str, **environ: str) -> str:
    """The standard output of a module of this package, run where torch is."""
    log = folder / f"{module}.log"
    argv = (_PYTHON, "-m", f"benchmarks.tuner.{module}", *arguments)
    env: Mapping[str, str] = os.environ | _OFFLINE | environ
    with log.open("wb") as file:
        done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, stderr=file, text=True)
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuner", description=__doc__)
    parser.add_argument("--rows", type=int, default=500, help="rows to train on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured, losses, tokens = measure(Path(folder), options.rows)
    print(*report(measured, losses, tokens), sep="\n")


if __name__ == "__main__":
    main()
