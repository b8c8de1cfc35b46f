"""TuningService over a Board, with health and reflection. Knows nothing of training."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from tuner.reporting.board import Board
from tuner.reporting.messages import to_message
from tuner.stop import StopSwitch

logger = logging.getLogger(__name__)

THREADS = 64
# Each watcher holds a thread; the rest stay free for everybody else.
WATCHERS = 48
GRACE_S = 3.0
SERVICE = tuning_pb2.DESCRIPTOR.services_by_name["TuningService"].full_name


class Tuning(tuning_pb2_grpc.TuningServiceServicer):
    """The contract of proto/kaito/tuning/v1/tuning.proto."""

    def __init__(self, board: Board, switch: StopSwitch) -> None:
        self._board = board
        self._switch = switch
        self._places = threading.BoundedSemaphore(WATCHERS)

    def GetTuning(  # noqa: N802
        self, request: tuning_pb2.GetTuningRequest, context: grpc.ServicerContext
    ) -> tuning_pb2.GetTuningResponse:
        self._check(request.name, context)
        return tuning_pb2.GetTuningResponse(tuning=to_message(self._board.run))

    def WatchTuning(  # noqa: N802
        self, request: tuning_pb2.WatchTuningRequest, context: grpc.ServicerContext
    ) -> Iterator[tuning_pb2.WatchTuningResponse]:
        self._check(request.name, context)
        if not self._places.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{WATCHERS} clients watch this run already; use GetTuning, or try again later",
            )
        try:
            context.add_callback(self._board.wake)
            for run in self._board.watch(context.is_active):
                yield tuning_pb2.WatchTuningResponse(tuning=to_message(run))
        finally:
            self._places.release()

    def StopTuning(  # noqa: N802
        self, request: tuning_pb2.StopTuningRequest, context: grpc.ServicerContext
    ) -> tuning_pb2.StopTuningResponse:
        self._check(request.name, context)
        run = self._board.run
        if not run.ended:
            logger.info("a client asked to stop at step %d", run.progress.step)
            self._switch.ask()
        return tuning_pb2.StopTuningResponse(tuning=to_message(run))

    def _check(self, name: str, context: grpc.ServicerContext) -> None:
        own = self._board.run.name
        if name and name != own:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"this pod tunes {own!r}, not {name!r}; leave name empty to ask for it",
            )


@contextmanager
def serving(board: Board, switch: StopSwitch, port: int) -> Iterator[int]:
    """Serves `board` on `port` (0: any free one) and gives the port. On leaving, watchers get
    the last value before the server goes."""
    server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix="grpc"))
    tuning_pb2_grpc.add_TuningServiceServicer_to_server(Tuning(board, switch), server)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", SERVICE):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection(
        (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    bound = server.add_insecure_port(f"[::]:{port}")
    server.start()
    try:
        yield bound
    finally:
        checks.enter_graceful_shutdown()
        board.close()
        server.stop(GRACE_S).wait()
