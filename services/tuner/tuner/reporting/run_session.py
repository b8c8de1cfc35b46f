"""A run that TuningService serves from its beginning to its end, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tuner.errors import RunError, Terminated, unexpected_error
from tuner.reporting.metrics import serving_metrics
from tuner.reporting.server import serving
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState, TuningRun
from tuner.stop_switch import StopSwitch


@contextmanager
def run_session(
    run: TuningRun, switch: StopSwitch, *, grpc_port: int, metrics_port: int
) -> Iterator[StatusPublisher]:
    """Serve `run` and its metrics while the block works on it.

    An exception that leaves the block ends the run: as FAILED with its error, or as STOPPED.

    Raises:
        RunError: the run failed, expectedly or not.
        Terminated: a signal stopped the run.
    """
    publisher = StatusPublisher(run)
    with serving_metrics(publisher, metrics_port), serving(publisher, switch, grpc_port):
        try:
            yield publisher
        except RunError as error:
            publisher.publish(state=RunState.FAILED, error=error, end_time=datetime.now(UTC))
            raise
        except Terminated:
            publisher.publish(state=RunState.STOPPED, end_time=datetime.now(UTC))
            raise
        except Exception as error:
            wrapped = unexpected_error(error)
            publisher.publish(state=RunState.FAILED, error=wrapped, end_time=datetime.now(UTC))
            raise wrapped from error
