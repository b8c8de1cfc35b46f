"""The tuner's server for a run that goes on for ever. Also a program: `python -m` this module."""

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.processes.service import MODELS_PYTHON, Service, free_port, start

RUN = "default/ws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """A process, and where it listens."""

    service: Service
    address: str


def start_tuner(name: str, logs: Path) -> Tuner:
    """Start the process; it answers once its log says "listening"."""
    port = free_port()
    service = start(
        name,
        MODELS_PYTHON,
        "tests.processes.tuner",
        str(port),
        log=logs / f"{name}.log",
        environ={},
    )
    return Tuner(service=service, address=f"127.0.0.1:{port}")


def main(port: int) -> None:
    # Only the process itself has the tuner's packages.
    import faulthandler
    import logging
    import signal
    from datetime import UTC, datetime

    from kaito_process import logs
    from tuner.reporting.run_session import run_session
    from tuner.reporting.tuning_run import Progress, RunState, TuningRun
    from tuner.stop_switch import StopSwitch

    # kill -USR1 writes the stacks of all threads to the log: a server that hangs says where.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logs.configure("info", "tuner")
    run = TuningRun(name=RUN, base_model="tiny", method="lora", start_time=datetime.now(UTC))
    with run_session(run, StopSwitch(), grpc_port=port, metrics_port=0) as publisher:
        logging.getLogger(__name__).info("listening")
        for step in range(10**9):
            publisher.publish(
                state=RunState.RUNNING, progress=Progress(step=step, total_steps=10**9)
            )
            threading.Event().wait(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
