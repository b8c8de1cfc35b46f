"""Servers: their options, and errors that name their cause whatever a client sends."""

from concurrent.futures import ThreadPoolExecutor

import grpc

from kaito_grpc.checked_calls import CheckedCalls
from kaito_grpc.checked_threaded_calls import CheckedThreadedCalls
from kaito_grpc.message_size import MAX_REQUEST_BYTES

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    # With it, a second server on the same port would take half of the calls.
    ("grpc.so_reuseport", 0),
    # Clients may keep idle connections alive with pings. By default a server cuts one that pings
    # more often than every five minutes.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def create_server() -> grpc.aio.Server:
    """A server for asyncio, without services and ports, not started."""
    return grpc.aio.server(options=_OPTIONS, interceptors=[CheckedCalls()])


def create_threaded_server(workers: ThreadPoolExecutor) -> grpc.Server:
    """The same server for code without asyncio; each running call takes one of the workers."""
    return grpc.server(workers, options=_OPTIONS, interceptors=[CheckedThreadedCalls()])
