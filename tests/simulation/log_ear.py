"""Listens to what the processes log: it belongs to the story, and a trace is a bug."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.judge import Judge, Verdict
from tests.simulation.loop import GATE
from tests.simulation.process import Process
from tests.simulation.story import Story

_LOGGERS = ("gpu_provisioner", "workspace_controller", "kaito_kube")


class _Ear(logging.Handler):
    def __init__(self, judge: Judge, story: Story) -> None:
        super().__init__(logging.WARNING)
        self._judge = judge
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        process = GATE.get()
        if not isinstance(process, Process) or not process.alive:
            return
        if self._story.verbose:
            self._story.tell(process.name, "", f"logs: {record.getMessage()}")
        if record.exc_info and record.exc_info[1] is not None:
            self._judge.complain(
                Verdict.STUCK, "", f"{process.name} has a bug: {record.exc_info[1]!r}"
            )


@contextmanager
def listening(judge: Judge, story: Story) -> Iterator[None]:
    ear = _Ear(judge, story)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(ear)
            logger.setLevel(level)
            logger.propagate = propagate
