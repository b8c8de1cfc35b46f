"""TuningService over a StatusPublisher, with health and reflection. Knows nothing of training."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from kaito_grpc.servers import create_threaded_server
from kaito_grpc.threaded_health import ThreadedHealth
from tuner.reporting.messages import to_message
from tuner.reporting.status_publisher import StatusPublisher
from tuner.stop_switch import StopSwitch

logger = logging.getLogger(__name__)

MAX_WORKERS = 64
# Each watcher occupies a thread; the other threads remain free for short calls and health checks.
MAX_WATCHERS = 48
# Enough to deliver the last value. The pod has 30 seconds to terminate in all.
SHUTDOWN_GRACE_SECONDS = 3.0
SERVICE = tuning_pb2.DESCRIPTOR.services_by_name["TuningService"].full_name


class TuningServicer(tuning_pb2_grpc.TuningServiceServicer):
    """Implements proto/kaito/tuning/v1/tuning.proto."""

    def __init__(self, publisher: StatusPublisher, switch: StopSwitch) -> None:
        self._publisher = publisher
        self._switch = switch
        self._watcher_slots = threading.BoundedSemaphore(MAX_WATCHERS)

    def GetTuning(  # noqa: N802
        self, request: tuning_pb2.GetTuningRequest, context: grpc.ServicerContext
    ) -> tuning_pb2.GetTuningResponse:
        self._check_name(request.name, context)
        return tuning_pb2.GetTuningResponse(tuning=to_message(self._publisher.run))

    def WatchTuning(  # noqa: N802
        self, request: tuning_pb2.WatchTuningRequest, context: grpc.ServicerContext
    ) -> Iterator[tuning_pb2.WatchTuningResponse]:
        self._check_name(request.name, context)
        if not self._watcher_slots.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{MAX_WATCHERS} clients already watch this run; use GetTuning, or try again later",
            )
        try:
            # A client that leaves frees its thread at once, not at the run's next change.
            context.add_callback(self._publisher.wake)
            for run in self._publisher.watch(context.is_active):
                yield tuning_pb2.WatchTuningResponse(tuning=to_message(run))
        finally:
            self._watcher_slots.release()

    def StopTuning(  # noqa: N802
        self, request: tuning_pb2.StopTuningRequest, context: grpc.ServicerContext
    ) -> tuning_pb2.StopTuningResponse:
        self._check_name(request.name, context)
        run = self._publisher.run
        if not run.ended:
            logger.info("a client requested a stop at step %d", run.progress.step)
            self._switch.request_stop()
        return tuning_pb2.StopTuningResponse(tuning=to_message(run))

    def _check_name(self, name: str, context: grpc.ServicerContext) -> None:
        own = self._publisher.run.name
        if name and name != own:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"this pod tunes {own!r}, not {name!r}; leave name empty to get this pod's run",
            )


@contextmanager
def serving(publisher: StatusPublisher, switch: StopSwitch, port: int) -> Iterator[int]:
    """Serve `publisher` on `port` within the block, and yield the port; 0 picks a free one.

    Watchers receive the last value before the server stops.
    """
    server = create_threaded_server(ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="grpc"))
    servicer = TuningServicer(publisher, switch)
    tuning_pb2_grpc.add_TuningServiceServicer_to_server(servicer, server)
    checks = ThreadedHealth(("", SERVICE))
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection(
        (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    bound = server.add_insecure_port(f"[::]:{port}")
    server.start()
    try:
        yield bound
    finally:
        checks.shut_down()
        publisher.close()
        server.stop(SHUTDOWN_GRACE_SECONDS).wait()
