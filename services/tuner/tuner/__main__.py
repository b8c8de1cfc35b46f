"""Fine-tunes a language model on a dataset and pushes the adapter as a container image.

Exit codes: 0 succeeded, 1 failed, 2 wrong usage or settings, 143 stopped by a signal.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from kaito_process import logs
from kaito_process.environment import SettingError
from tuner import termination_message
from tuner.check.arguments import ABOUT, add_arguments
from tuner.check.command import check
from tuner.data.unusable_data import remembering_unusable_data
from tuner.data_report.compact import compact
from tuner.errors import RunError, Terminated, unexpected_error
from tuner.launch_phase import launch_phase
from tuner.phases import check_push_phase, fetch_phase, push_phase, train_phase
from tuner.processes.lifetime import end_with_parent
from tuner.processes.rank import Rank
from tuner.processes.report import write_report
from tuner.reasons import Reason
from tuner.reporting.run_session import run_session
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState, TuningRun
from tuner.results import ResultsDirectory, record_start
from tuner.settings import TERMINATION_LOG, Settings
from tuner.stop_switch import StopSwitch
from tuner.termination_message import TerminationMessage, failure_message

logger = logging.getLogger(__name__)

# 2 is argparse's own exit code for wrong usage; 143 is 128 + SIGTERM, as a shell reports it.
SUCCEEDED, FAILED, MISUSED, STOPPED = 0, 1, 2, 143


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command works with. Libraries read `environ` when they are imported."""

    settings: Settings
    switch: StopSwitch
    environ: MutableMapping[str, str]
    rank: Rank | None

    @property
    def launches(self) -> bool:
        """Whether the training runs in other processes, which this one starts."""
        settings = self.settings
        return (settings.processes > 1 or settings.node is not None) and self.rank is None


Command = Callable[[CommandContext], TerminationMessage]


def fetch(context: CommandContext) -> TerminationMessage:
    """fetch the data and report on it"""
    settings = context.settings
    # The containers of a pod share the node's monotonic clock, also over their restarts.
    with remembering_unusable_data(settings.data_dir, settings.pod_uid, time.monotonic()):
        return {"data": compact(fetch_phase(settings, context.environ))}


def train(context: CommandContext) -> TerminationMessage:
    """train the adapter"""
    if context.launches:
        launch_phase(context.settings, context.environ)
        return {}
    with _session(context) as publisher:
        _train(context, publisher)
    return {}


def push(context: CommandContext) -> TerminationMessage:
    """push the adapter as a container image"""
    node = context.settings.node
    if node is not None and not node.is_first:
        logger.info("%s pushes the adapter", node.name(0))
        return {}
    with _session(context) as publisher:
        return _push(context, publisher)


def tune(context: CommandContext) -> TerminationMessage:
    """fetch, train and push, one after the other"""
    if context.launches:
        fetch_phase(context.settings, context.environ)
        train(context)
        return push(context)
    with _session(context) as publisher:
        fetch_phase(context.settings, context.environ)
        _train(context, publisher)
        return _push(context, publisher)


def check_push(context: CommandContext) -> TerminationMessage:
    """check that the adapter can be pushed, before anything is trained"""
    check_push_phase(context.settings)
    return {}


COMMANDS: tuple[Command, ...] = (fetch, train, push, tune, check_push)


def main(arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Run the command that `arguments` name and return the exit code."""
    parsed = _parser().parse_args(arguments)
    command: Command | None = parsed.command
    try:
        if command is None:
            return check(parsed, environ)
        settings = Settings.from_env(environ)
    except SettingError as error:
        print(f"tuner: {error}", file=sys.stderr)
        path = Path(environ.get("KAITO_TERMINATION_LOG", TERMINATION_LOG))
        _write_termination_message(
            path, failure_message(RunError(Reason.CONFIG_INVALID, str(error)))
        )
        return MISUSED
    rank = Rank.from_env(environ)
    # One process of a training speaks for all; the others have warnings at most.
    level = settings.log_level if rank is None or rank.reporting else "warning"
    logs.configure(level, "tuner", workspace=settings.name, **_log_fields(rank))
    switch = StopSwitch()
    switch.install()
    context = CommandContext(settings, switch, environ, rank)
    if rank is not None:
        return _run_as_process(command, context, rank)
    code, message = _run(command, context)
    if message:
        _write_termination_message(settings.termination_log, message)
    return code


def _log_fields(rank: Rank | None) -> dict[str, str]:
    """What tells the lines of a training's processes apart."""
    return {} if rank is None or rank.reporting else {"process": str(rank.number + 1)}


def _run_as_process(command: Command, context: CommandContext, rank: Rank) -> int:
    """Run one process of a training. The launcher reports its failure."""
    end_with_parent()
    try:
        command(context)
    except Terminated:
        return STOPPED
    except Exception as error:
        failure = error if isinstance(error, RunError) else unexpected_error(error)
        if failure is not error:
            logger.exception("unexpected error")
        write_report(rank.reports, rank.number, failure, time.monotonic())
        return FAILED
    return SUCCEEDED


def _run(command: Command, context: CommandContext) -> tuple[int, TerminationMessage]:
    try:
        return SUCCEEDED, command(context)
    except RunError as error:
        logger.error("%s: %s", error.reason, error.message, exc_info=error.__cause__)
        return FAILED, failure_message(error)
    except Terminated:
        logger.warning("stopped by a signal")
        return STOPPED, failure_message(
            RunError(
                Reason.TRAINING_STOPPED,
                "the container was stopped by a signal; the run resumes from its last checkpoint "
                "when the pod starts again",
            )
        )
    except Exception as error:
        logger.exception("unexpected error")
        return FAILED, failure_message(unexpected_error(error))


def _session(context: CommandContext) -> AbstractContextManager[StatusPublisher]:
    settings, rank = context.settings, context.rank
    started = ResultsDirectory(settings.results_dir).started
    run = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=record_start(started, datetime.now(UTC)),
    )
    if rank is not None and not rank.reporting:
        return nullcontext(StatusPublisher(run))
    return run_session(
        run, context.switch, grpc_port=settings.grpc_port, metrics_port=settings.metrics_port
    )


def _train(context: CommandContext, publisher: StatusPublisher) -> None:
    summary = train_phase(context.settings, publisher, context.switch, context.environ)
    if summary is None:
        publisher.publish(state=RunState.STOPPED, end_time=datetime.now(UTC))
        # A client may have requested the stop. If the process ended now, the kubelet would restart
        # the training.
        context.switch.wait_for_signal()
        raise Terminated
    logger.info("training finished", extra={"summary": asdict(summary)})
    publisher.publish(state=RunState.PUSHING)


def _push(context: CommandContext, publisher: StatusPublisher) -> TerminationMessage:
    adapter = push_phase(context.settings, publisher)
    publisher.publish(state=RunState.SUCCEEDED, adapter=adapter, end_time=datetime.now(UTC))
    return asdict(adapter)


def _write_termination_message(path: Path, message: TerminationMessage) -> None:
    try:
        termination_message.write(path, message)
    except OSError as error:
        # Outside a pod there is no such file, and the exit code says enough.
        logger.info("no termination message at %s: %s", path, error.strerror)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tuner",
        description=__doc__,
        epilog="Settings come from environment variables (KAITO_*), listed in docs/tuning.md.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        about = (command.__doc__ or "").strip()
        name = command.__name__.replace("_", "-")
        commands.add_parser(name, help=about, description=about).set_defaults(command=command)
    checker = commands.add_parser("check", help=ABOUT)
    checker.set_defaults(command=None)
    add_arguments(checker)
    return parser


def _leave(code: int) -> NoReturn:
    """End the process without the exit handlers of libraries.

    Those of a tracker that does not answer wait for minutes, while the next phase waits for this.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:], os.environ))
