"""A TCP proxy that cuts each connection once it has carried so many bytes."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(slots=True)
class CuttingProxy:
    """Forwards to `target`, a host:port. `cuts` counts the connections that were cut."""

    target: str
    cut_bytes: int
    host: str = ""
    cuts: int = 0

    @contextmanager
    def running(self) -> Iterator["CuttingProxy"]:
        """Serve on a free port of the loopback address, and set `host`."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.host = f"127.0.0.1:{listener.getsockname()[1]}"
            thread = threading.Thread(target=self._accept, args=(listener,))
            thread.start()
            try:
                yield self
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._forward, args=(connection,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        host, _, port = self.target.partition(":")
        with client, socket.create_connection((host, int(port))) as server, suppress(OSError):
            left = self.cut_bytes
            while left > 0:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(min(1 << 16, left))
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    left -= len(data)
            self.cuts += 1
