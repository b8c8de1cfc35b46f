"""Whether a Service leads to a pod yet, from this machine."""

import socket

_TIMEOUT_SECONDS = 5.0


def refused(address: str, port: int) -> str | None:
    """Why no connection comes about; None if one does.

    A pod is Ready before each kube-proxy has seen its EndpointSlice, and writes its rules at most
    once a second.
    """
    try:
        socket.create_connection((address, port), _TIMEOUT_SECONDS).close()
    except OSError as error:
        return f"{address}:{port}: {error}"
    return None
