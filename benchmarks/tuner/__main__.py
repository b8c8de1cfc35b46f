"""Measures the tuner's defaults beside TRL: as upstream KAITO configures it, and at its best.

One model, the same rows once, the same learning rate and LoRA, one compute thread; each training is
a process of its own. Processor seconds count, so that what else the machine does matters little.
The losses are those of the three adapters on rows held out, measured by the same program.

    python -m benchmarks.tuner [--rows 500]
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.tuner.contenders import PHI_SMALL
from benchmarks.tuner.measure import Trainings
from benchmarks.tuner.results import Clock, report
from tools.preset_models import store


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuner", description=__doc__)
    parser.add_argument("--rows", type=int, default=500, help="rows to train on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        (folder / "model").symlink_to(store.model_folder())
        trainings = Trainings(
            folder=folder, python=".venv-models/bin/python", environ={"OMP_NUM_THREADS": "1"}
        )
        outcome = trainings.measure(options.rows, PHI_SMALL)
    print(*report(outcome, Clock.CPU), sep="\n")


if __name__ == "__main__":
    main()
