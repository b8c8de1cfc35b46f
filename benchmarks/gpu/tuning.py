"""Tokens a second and peak memory of the tuner and of TRL, by the code of `make bench-tuner`."""

from pathlib import Path

from benchmarks.gpu.part import Part
from benchmarks.gpu.size import Size
from benchmarks.tuner.measure import Trainings
from benchmarks.tuner.results import Clock, report

NAME = "tuning"


def check(folder: Path, size: Size, device: str, python: str, deadline: float) -> Part:
    """Train the model in `folder` with each contender, before `deadline`.

    Raises:
        SystemExit: a training failed.
        TimeoutError: the time is over.
    """
    environ = {"OMP_NUM_THREADS": "1"} if device == "cpu" else {}
    trainings = Trainings(folder=folder, python=python, environ=environ, deadline=deadline)
    outcome = trainings.measure(size.rows, size.subject(device))
    *lines, summary = report(outcome, Clock.CPU if device == "cpu" else Clock.WALL)
    return Part(name=NAME, lines=tuple(lines), summary=summary)
