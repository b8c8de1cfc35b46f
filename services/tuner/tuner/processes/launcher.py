"""Starts the processes of a training with torch's own launcher, and waits for them."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tuner.errors import RunError, Terminated
from tuner.processes.cause import find_cause
from tuner.processes.errors import LessMemoryNeeded, PeerLost, ProcessKilled
from tuner.processes.launch_watch import SIGNAL, LaunchWatch, NodeGone
from tuner.processes.meeting import Start
from tuner.processes.node import Node
from tuner.processes.rank import DEATHS, REPORTS
from tuner.processes.report import read_reports
from tuner.reasons import Reason
from tuner.stop_switch import SIGNALS

# For the checkpoint of a pod that terminates; the kubelet kills it after 30.
SHUTDOWN_SECONDS = 25
# All nodes have just met, so one that does not reach torch's store by then is gone.
STORE_SECONDS = 120
# No restarts in place: the kubelet restarts the container, as it does for one process.
_COMMON: Mapping[str, Any] = {
    "run_id": "tuner",
    "max_restarts": 0,
    "monitor_interval": 0.1,
    "signals_to_handle": f"{signal.SIGTERM.name},{signal.SIGINT.name},{SIGNAL.name}",
    "shutdown_timeout": SHUTDOWN_SECONDS,
}


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
                return _launch_once(_config(processes), processes, scratch, deaths, environ)
            except LessMemoryNeeded:
                continue


def launch_on_node(
    node: Node, start: Start, scratch: Path, deaths: int, environ: MutableMapping[str, str]
) -> None:
    """Run the processes of this node, which train with those of the other nodes.

    Raises:
        RunError: CONFIG_INVALID, or a process failed, here or elsewhere; then all nodes have the
            same error, that of the process that failed first.
        Terminated: a signal arrived. The processes have got it, too.
    """
    watch, config = LaunchWatch(node, start), _config_of_node(node, start)
    try:
        error: RunError | None = None
        with _kept_handlers():
            try:
                require_gpus(node.processes, torch.cuda.device_count())
                with watch.interrupting():
                    _launch_once(config, node.size, scratch, deaths, environ)
            except NodeGone:
                error = watch.lost()
            except (dist.DistError, RendezvousError) as failure:
                error = PeerLost(str(failure).partition("\n")[0])
            except RunError as failure:
                error = failure
        found = watch.settle(error, time.monotonic())
    finally:
        watch.close()
    if found is not None:
        # A killed process is counted where it was.
        killed = isinstance(error, ProcessKilled) and found.reason is Reason.TRAINING_STOPPED
        raise error if killed and error is not None else found


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
    config: LaunchConfig,
    size: int,
    scratch: Path,
    deaths: int,
    environ: MutableMapping[str, str],
) -> None:
    """Run the processes of this node; `size` counts those of all nodes."""
    with tempfile.TemporaryDirectory(prefix="ranks-", dir=scratch) as directory:
        environ.update({REPORTS: directory, DEATHS: str(deaths)})
        try:
            elastic_launch(config, sys.executable)("-m", "tuner", "train")
        except SignalException as error:
            if error.sigval == SIGNAL:
                raise NodeGone from error
            raise Terminated from error
        except ChildFailedError as error:
            codes = {number: failure.exitcode for number, failure in error.failures.items()}
            raise find_cause(read_reports(Path(directory)), codes, size) from None
        finally:
            del environ[REPORTS], environ[DEATHS]


def _config(processes: int) -> LaunchConfig:
    """Port 0: a free one."""
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        **_COMMON,
    )


def _config_of_node(node: Node, start: Start) -> LaunchConfig:
    """The nodes have met already, so each knows its number, and where the store is."""
    return LaunchConfig(
        min_nodes=node.count,
        max_nodes=node.count,
        nproc_per_node=node.processes,
        rdzv_backend="static",
        rdzv_endpoint=f"{start.address}:{start.port}",
        rdzv_configs={"rank": node.number, "timeout": STORE_SECONDS},
        **_COMMON,
    )
