"""Trains with each contender, one after the other, and evaluates their adapters."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tuner.contenders import BEST, PLAIN, TUNER, Subject, write_subject
from benchmarks.tuner.measurement import Measurement, read_measurement

_OFFLINE = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
# The share of the rows that is held out.
_HELD_OUT = 0.1
# One pass over all rows; everything else is the tuner's default.
_CONFIGURATION = """
training_config:
  TrainingArguments: {{num_train_epochs: 1, learning_rate: {learning_rate}}}
  DatasetConfig: {{train_test_split: 1}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What each training took, the loss with each adapter ("" without one), and the tokens."""

    measured: Mapping[str, Measurement]
    losses: Mapping[str, float]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """`folder` has the model in `model`; `python` has torch, TRL and the tuner's packages.

    `environ` is added to each process's environment. All together end before `deadline` by
    `clock`.
    """

    folder: Path
    python: str
    environ: Mapping[str, str]
    deadline: float = float("inf")
    clock: Callable[[], float] = field(default=time.monotonic)

    def measure(self, rows: int, subject: Subject) -> Outcome:
        """Train on that many rows.

        Raises:
            SystemExit: a process failed; the end of its log says why.
            TimeoutError: the deadline is over.
        """
        write_subject(self.folder, subject)
        held_out = round(rows * _HELD_OUT)
        tokens = int(self._run("data", str(self.folder), str(rows), str(held_out)))
        for name in (PLAIN, BEST):
            (self.folder / name).mkdir()
            self._run("trl_run", name, str(self.folder))
        (self.folder / TUNER).mkdir()
        self._run("tuner_run", str(self.folder / TUNER), **self.tuner_settings(subject))
        return Outcome(
            measured={name: read_measurement(self.folder / name) for name in (PLAIN, BEST, TUNER)},
            losses=json.loads(self._run("evaluate", str(self.folder))),
            tokens=tokens,
        )

    def tuner_settings(self, subject: Subject) -> dict[str, str]:
        """The variables of the tuner, with its configuration written to the folder."""
        configuration = self.folder / "training_config.yaml"
        configuration.write_text(_CONFIGURATION.format(learning_rate=subject.learning_rate))
        return {
            "KAITO_BASE_MODEL": "phi-3",
            "KAITO_DATA_DIR": str(self.folder / "train"),
            "KAITO_MODEL_PATH": str(self.folder / "model"),
            "KAITO_CONFIG_FILE": str(configuration),
            "KAITO_RESULTS_DIR": str(self.folder / TUNER),
            "KAITO_TERMINATION_LOG": str(self.folder / "termination"),
            "DEFAULT_TARGET_MODULES": ",".join(subject.target_modules),
        }

    def _run(self, module: str, *arguments: str, **environ: str) -> str:
        """The standard output of a module of this package, run where torch is."""
        log = self.folder / f"{module}.log"
        argv = (self.python, "-m", f"benchmarks.tuner.{module}", *arguments)
        left = self.deadline - self.clock()
        with log.open("wb") as file:
            try:
                done = subprocess.run(
                    argv,
                    env={**os.environ, **_OFFLINE, **self.environ, **environ},
                    stdout=subprocess.PIPE,
                    stderr=file,
                    text=True,
                    timeout=max(0.0, left) if left < float("inf") else None,
                )
            except subprocess.TimeoutExpired:
                raise TimeoutError(f"{module} {' '.join(arguments[:1])}") from None
        if done.returncode:
            end = log.read_text(errors="replace")[-2000:]
            raise SystemExit(f"benchmarks.tuner.{module} failed:\n{end}")
        return done.stdout
