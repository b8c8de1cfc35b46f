"""grpc.health.v1 for servers of threads.

grpc's own servicer for threads sends to a watcher while it holds its lock. When the watcher leaves
at that moment, the thread that serves all connections waits for the lock, and the sender waits for
that thread: the server never answers anybody again.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

# The published types of the messages leave some members out.
_Response: Any = health_pb2.HealthCheckResponse
# Each watcher occupies a worker of the server. Kubernetes only checks.
MAX_WATCHERS = 8


class ThreadedHealth(health_pb2_grpc.HealthServicer):
    """The named services are SERVING until `shut_down`, and NOT_SERVING from then on."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services)
        self._serving = True
        self._changed = threading.Condition()
        self._watcher_slots = threading.BoundedSemaphore(MAX_WATCHERS)

    def shut_down(self) -> None:
        """Tell checkers and watchers that the server ends."""
        with self._changed:
            self._serving = False
            self._changed.notify_all()

    def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> Any:
        if request.service not in self._services:
            known = ", ".join(sorted(name for name in self._services if name))
            context.abort(grpc.StatusCode.NOT_FOUND, f"this server has the services {known}")
        return _Response(status=self._status(request.service))

    def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        if not self._watcher_slots.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{MAX_WATCHERS} clients already watch; use Check, or try again later",
            )
        try:
            # A client that leaves frees its worker at once.
            context.add_callback(self._wake)
            sent = None
            while (status := self._next_status(request.service, sent, context)) is not None:
                yield _Response(status=status)
                sent = status
        finally:
            self._watcher_slots.release()

    def _next_status(
        self, service: str, sent: int | None, context: grpc.ServicerContext
    ) -> int | None:
        """A status other than the one that was sent; None once the client has left."""
        with self._changed:
            self._changed.wait_for(lambda: self._status(service) != sent or not context.is_active())
            return self._status(service) if context.is_active() else None

    def _status(self, service: str) -> int:
        serving: int = _Response.SERVING if self._serving else _Response.NOT_SERVING
        unknown: int = _Response.SERVICE_UNKNOWN
        return serving if service in self._services else unknown

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
