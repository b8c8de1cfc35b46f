"""The tuner's command line: builds everything from the environment, runs a phase, and says how
it ended by exit code, log and termination message.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 143 stopped by a signal.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from kaito_process import logs
from kaito_process.environment import SettingError
from tuner import termination
from tuner.errors import RunError, Terminated
from tuner.phases import fetch_phase, push_phase, train_phase
from tuner.reasons import Reason
from tuner.reporting.board import Board
from tuner.reporting.reported import reported, unexpected
from tuner.reporting.run import Run, State
from tuner.results import Results, first_start
from tuner.settings import TERMINATION_LOG, Settings
from tuner.stop import StopSwitch

logger = logging.getLogger(__name__)

DONE, FAILED, MISUSED, STOPPED = 0, 1, 2, 143


@dataclass(frozen=True, slots=True)
class Process:
    """What a command works with. `environ` is what libraries read when they are imported."""

    settings: Settings
    switch: StopSwitch
    environ: MutableMapping[str, str]


Command = Callable[[Process], termination.Words]


def fetch(process: Process) -> termination.Words:
    """fetch the data and check it"""
    fetch_phase(process.settings)
    return {}


def train(process: Process) -> termination.Words:
    """train the adapter"""
    with _reported(process) as board:
        _train(process, board)
    return {}


def push(process: Process) -> termination.Words:
    """push the adapter as a container image"""
    with _reported(process) as board:
        return _push(process, board)


def tune(process: Process) -> termination.Words:
    """all three, one after the other"""
    with _reported(process) as board:
        fetch_phase(process.settings)
        _train(process, board)
        return _push(process, board)


COMMANDS: tuple[Command, ...] = (fetch, train, push, tune)


def main(arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Runs the command that `arguments` name; the exit code."""
    command: Command = _parser().parse_args(arguments).command
    try:
        settings = Settings.from_env(environ)
    except SettingError as error:
        print(f"tuner: {error}", file=sys.stderr)
        path = Path(environ.get("KAITO_TERMINATION_LOG", TERMINATION_LOG))
        _last_words(path, termination.failure(RunError(Reason.CONFIG_INVALID, str(error))))
        return MISUSED
    logs.configure(settings.log_level, "tuner", workspace=settings.name)
    switch = StopSwitch()
    switch.install()
    code, words = _run(command, Process(settings, switch, environ))
    if words:
        _last_words(settings.termination_log, words)
    return code


def _run(command: Command, process: Process) -> tuple[int, termination.Words]:
    try:
        return DONE, command(process)
    except RunError as error:
        logger.error("%s: %s", error.reason, error.message, exc_info=error.__cause__)
        return FAILED, termination.failure(error)
    except Terminated:
        logger.warning("stopped by a signal")
        return STOPPED, termination.failure(
            RunError(
                Reason.TRAINING_STOPPED,
                "the container was stopped by a signal; the run goes on from its last checkpoint "
                "when the pod starts again",
            )
        )
    except Exception as error:
        logger.exception("unexpected")
        return FAILED, termination.failure(unexpected(error))


def _reported(process: Process) -> AbstractContextManager[Board]:
    settings = process.settings
    run = Run(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=first_start(Results(settings.results_dir).started, datetime.now(UTC)),
    )
    return reported(run, process.switch, settings.grpc_port)


def _train(process: Process, board: Board) -> None:
    summary = train_phase(process.settings, board, process.switch, process.environ)
    if summary is None:
        board.post(state=State.STOPPED, end_time=datetime.now(UTC))
        # A client asked: leaving now would have the kubelet start the training again.
        process.switch.wait_for_signal()
        raise Terminated
    logger.info("trained", extra={"summary": asdict(summary)})
    board.post(state=State.PUSHING)


def _push(process: Process, board: Board) -> termination.Words:
    pushed = push_phase(process.settings, board)
    board.post(state=State.SUCCEEDED, adapter=pushed, end_time=datetime.now(UTC))
    return asdict(pushed)


def _last_words(path: Path, words: termination.Words) -> None:
    try:
        termination.write(path, words)
    except OSError as error:
        logger.info("no termination message at %s: %s", path, error.strerror)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tuner",
        description=__doc__,
        epilog="Settings come from the environment (KAITO_*); docs/tuning.md lists them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        about = (command.__doc__ or "").strip()
        commands.add_parser(command.__name__, help=about, description=about).set_defaults(
            command=command
        )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
