"""Channels to services of the cluster."""

import grpc

from kaito_grpc.message_size import MAX_CHANNEL_BYTES

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_CHANNEL_BYTES),
    ("grpc.max_send_message_length", MAX_CHANNEL_BYTES),
    # A pod of the cluster is never behind the proxy that HTTP_PROXY names.
    ("grpc.enable_http_proxy", 0),
    # Without this, channels to the same target share one connection.
    ("grpc.use_local_subchannel_pool", 1),
    # Reconnects within two seconds of a server's restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


def open_channel(target: str) -> grpc.aio.Channel:
    """A channel for asyncio to host:port. It connects with the first call."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def open_blocking_channel(target: str) -> grpc.Channel:
    """The same channel for code without asyncio."""
    return grpc.insecure_channel(target, options=_OPTIONS)
