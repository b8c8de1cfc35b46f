"""Why a training on several processes ended: one failed first, and the others followed. Pure."""

import signal
from collections.abc import Mapping

from tuner.errors import RunError
from tuner.processes.errors import ProcessKilled
from tuner.processes.report import Kind, RankReport
from tuner.reasons import Reason

# Of a process that agreed to stop; see __main__.
STOPPED = 128 + signal.SIGTERM


def find_cause(
    reports: Mapping[int, RankReport], exit_codes: Mapping[int, int], size: int
) -> RunError:
    """The error that ended the training.

    Args:
        reports: what the failed processes of this node have left, by their number.
        exit_codes: of those that failed, negative for signals. The launcher sends SIGTERM to the
            processes that are left, and SIGKILL only to those that it had to end; a process that
            was killed before comes without a report.
        size: how many processes the training has, on all nodes.
    """
    first = sorted(reports.values(), key=lambda report: report.time)
    for kind in (Kind.CAUSE, Kind.AGAIN):
        for report in first:
            if report.kind is kind and report.error.reason is not Reason.TRAINING_STOPPED:
                return report.raised
    killed = _killed(reports, exit_codes)
    if killed is not None:
        number, code = killed
        return ProcessKilled(
            f"process {number + 1} of {size} was killed by {_signal_name(-code)}, most often "
            "because the pod or its node ran out of memory; the run resumes from its last "
            "checkpoint"
        )
    if first:
        return first[0].error
    if STOPPED in exit_codes.values():
        return RunError(
            Reason.TRAINING_STOPPED,
            "a process of the training was stopped by a signal; the run resumes from the "
            "checkpoint that it has written once all processes are there again",
        )
    codes = ", ".join(f"{number + 1}: {code}" for number, code in sorted(exit_codes.items()))
    return RunError(
        Reason.TRAINING_FAILED,
        f"the processes of the training ended without a message (exit codes of {codes}); see the "
        "container's log",
    )


def find_cause_of_nodes(reports: Mapping[int, RankReport]) -> tuple[int, RankReport]:
    """Which node's failure ended the training on all of them, and that failure.

    The clocks of two nodes do not agree, so the first one is the one with the lowest number.
    """
    for kind in (Kind.CAUSE, Kind.AGAIN, Kind.KILLED):
        for number, report in sorted(reports.items()):
            stopped = report.error.reason is Reason.TRAINING_STOPPED
            if report.kind is kind and (kind is Kind.KILLED or not stopped):
                return number, report
    # A process that a signal has stopped says more than one that has lost another.
    return min(reports.items(), key=lambda each: (each[1].kind is Kind.CONSEQUENCE, each[0]))


def _killed(
    reports: Mapping[int, RankReport], exit_codes: Mapping[int, int]
) -> tuple[int, int] | None:
    """A killed process and its code. NCCL aborts the processes whose peer was killed: SIGABRT."""
    candidates = [
        (number, code)
        for number, code in sorted(exit_codes.items())
        if code < 0 and -code != signal.SIGTERM and number not in reports
    ]
    return min(candidates, key=lambda each: each[1] == -signal.SIGABRT, default=None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
