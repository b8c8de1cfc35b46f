"""Ends a run whose processes are killed again and again. No library.

The kubelet restarts a killed container without end, and a killed process says nothing: the next one
counts for it, and quotes its last words.
"""

import faulthandler
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tuner.errors import RunError
from tuner.processes.errors import ProcessKilled
from tuner.reasons import Reason

# In a row, without a checkpoint in between. A node that drains asks first, so a kill has a cause.
MOST_DEATHS = 3
# What a termination message and a condition have room for.
QUOTED_LINES = 4
# As faulthandler begins the report of a crash.
FATAL = "Fatal Python error"


@contextmanager
def counted_deaths(path: Path, log: Path, attempt: str, newest_step: int) -> Iterator[int]:
    """Within the block, count the process as killed, unless the block is left by itself.

    A training on several processes is killed with any of them.

    Yields how many processes of `attempt` were killed before, without a checkpoint in between.
    `newest_step` is that of the newest checkpoint; -1 if there is none. `log` has the last words.
    An `attempt` that is empty is not counted.

    Raises:
        RunError: TRAINING_FAILED, as many were killed as may be.
    """
    if not attempt:
        yield 0
        return
    deaths, step = _read(path, attempt)
    if newest_step != step:
        deaths = 0
    if deaths >= MOST_DEATHS:
        where = f"after step {newest_step}" if newest_step >= 0 else "before its first checkpoint"
        raise RunError(
            Reason.TRAINING_FAILED,
            f"the trainer was killed {deaths} times in a row {where}, most often because the pod "
            "or its node ran out of memory; lower TrainingArguments.max_length or "
            "per_device_train_batch_size in training_config.yaml, or use a larger "
            f"resource.instanceType; its last log lines: {_last_words(log)}",
        )
    record = {"attempt": attempt, "deaths": deaths + 1, "step": newest_step}
    with suppress(OSError):
        path.write_text(json.dumps(record))
    try:
        yield deaths
    except ProcessKilled:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    else:
        path.unlink(missing_ok=True)


@contextmanager
def kept_log(path: Path) -> Iterator[None]:
    """Within the block, keep the process's log at `path`, with the stack of one that crashes."""
    try:
        file = path.open("w", encoding="utf-8")
    except OSError:
        # A full volume is reported by what needs it.
        yield
        return
    with file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logging.root.addHandler(handler)
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.enable()
            logging.root.removeHandler(handler)


def _read(path: Path, attempt: str) -> tuple[int, int]:
    """How many died, and the step of the newest checkpoint when the last of them started."""
    try:
        record = json.loads(path.read_bytes())
        if record["attempt"] == attempt:
            return int(record["deaths"]), int(record["step"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, -1


def _last_words(log: Path) -> str:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    except OSError:
        return "none"
    fatal = [number for number, line in enumerate(lines) if line.startswith(FATAL)]
    # Below it is the stack, the innermost call first.
    words = lines[fatal[-1] :][:QUOTED_LINES] if fatal else lines[-QUOTED_LINES:]
    return " | ".join(words) or "none"
