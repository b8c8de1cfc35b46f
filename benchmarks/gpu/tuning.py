"""Tokens a second and peak memory of the tuner and of TRL, by the code of `make bench-tuner`."""

from pathlib import Path

from benchmarks.gpu.device import Device
from benchmarks.gpu.part import Part
from benchmarks.gpu.size import Size
from benchmarks.tuner.measure import Trainings
from benchmarks.tuner.results import Clock, report

NAME = "tuning"


def check(folder: Path, size: Size, device: Device, python: str, deadline: float) -> Part:
    """Train the model in `folder` with each contender, before `deadline`.

    Raises:
        SystemExit: a training failed.
        TimeoutError: the time is over.
    """
    trainings = Trainings(folder=folder, python=python, environ=device.environ, deadline=deadline)
    outcome = trainings.measure(size.rows, size.subject(device.kind))
    *lines, summary = report(outcome, Clock.CPU if device.kind == "cpu" else Clock.WALL)
    return Part(name=NAME, lines=tuple(lines), summary=summary)
