"""Starts the processes of a training with torch's own launcher, and waits for them."""

import signal
import sys
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tuner.errors import RunError, Terminated
from tuner.processes.cause import find_cause
from tuner.processes.errors import LessMemoryNeeded
from tuner.processes.rank import DEATHS, REPORTS
from tuner.processes.report import read_reports
from tuner.reasons import Reason
from tuner.stop_switch import SIGNALS

# For the checkpoint of a pod that terminates; the kubelet kills it after 30.
SHUTDOWN_SECONDS = 25


def launch(processes: int, scratch: Path, deaths: int, environ: MutableMapping[str, str]) -> None:
    """Run `python -m tuner train` in `processes` processes, to its end.

    If the memory does not suffice, all start again with what does: once, because the processes
    report another shortage as an error.

    Raises:
        RunError: CONFIG_INVALID, or a process failed; then the error is that of the first one.
        Terminated: a signal arrived. The processes have got it, too.
    """
    require_gpus(processes, torch.cuda.device_count())
    with _kept_handlers():
        while True:
            try:
                return _launch_once(processes, scratch, deaths, environ)
            except LessMemoryNeeded:
                continue


def require_gpus(processes: int, gpus: int) -> None:
    """Refuse more processes than there are `gpus`; on a machine without any, the CPUs train.

    Raises:
        RunError: CONFIG_INVALID.
    """
    if 0 < gpus < processes:
        raise RunError(
            Reason.CONFIG_INVALID,
            f"KAITO_PROCESSES is {processes}, but the container has {gpus} "
            f"GPU{'' if gpus == 1 else 's'}, and each process needs one of its own: set it to "
            f"{gpus} or less, or use a larger resource.instanceType",
        )


@contextmanager
def _kept_handlers() -> Iterator[None]:
    """Torch's launcher installs handlers of its own, whose error the push knows nothing about."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _launch_once(
    processes: int, scratch: Path, deaths: int, environ: MutableMapping[str, str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="ranks-", dir=scratch) as directory:
        environ.update({REPORTS: directory, DEATHS: str(deaths)})
        try:
            elastic_launch(_config(processes), sys.executable)("-m", "tuner", "train")
        except SignalException as error:
            raise Terminated from error
        except ChildFailedError as error:
            codes = {number: failure.exitcode for number, failure in error.failures.items()}
            raise find_cause(read_reports(Path(directory)), codes, processes) from None
        finally:
            del environ[REPORTS], environ[DEATHS]


def _config(processes: int) -> LaunchConfig:
    """No restarts in place: the kubelet restarts the container, as it does for one process."""
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="tuner",
        rdzv_backend="c10d",
        # A free port.
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        monitor_interval=0.1,
        signals_to_handle=f"{signal.SIGTERM.name},{signal.SIGINT.name}",
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
