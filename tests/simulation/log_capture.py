"""Captures the processes' logs: they belong to the story, and a traceback is a bug."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.loop import CURRENT_PROCESS
from tests.simulation.process import Process
from tests.simulation.story import Story
from tests.simulation.violation import Reporter, ViolationKind

_LOGGERS = ("gpu_provisioner", "workspace_controller", "kaito_kube")


class _LogHandler(logging.Handler):
    def __init__(self, checker: Reporter, story: Story) -> None:
        super().__init__(logging.WARNING)
        self._checker = checker
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        process = CURRENT_PROCESS.get()
        if not isinstance(process, Process) or not process.alive:
            return
        if self._story.verbose:
            self._story.tell(process.name, "", f"logs: {record.getMessage()}")
        if record.exc_info and record.exc_info[1] is not None:
            self._checker.report(
                ViolationKind.STUCK, "", f"{process.name} has a bug: {record.exc_info[1]!r}"
            )


@contextmanager
def capturing_logs(checker: Reporter, story: Story) -> Iterator[None]:
    handler = _LogHandler(checker, story)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
