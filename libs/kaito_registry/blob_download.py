"""Reads one blob over a link that may be cut at any byte."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kaito_registry.paced import paced
from kaito_registry.registry_client import RegistryClient, Request

# The registry has nothing from the offset on: all of it has arrived.
RANGE_NOT_SATISFIABLE = 416


@dataclass(slots=True, kw_only=True)
class BlobDownload:
    """The download of the blob `digest`: each byte is given to `write` once, in order.

    It continues where it was cut: the digest, which the caller checks, names the content, so that
    it cannot have changed meanwhile.
    """

    client: RegistryClient
    digest: str
    write: Callable[[bytes], object]
    clock: Callable[[], float] = time.monotonic
    written: int = 0

    def attempt(self) -> None:
        """Read what is missing. Call it again after a TransportError or a TransientError."""
        headers = {"Range": f"bytes={self.written}-"} if self.written else {}
        response = self.client.send(Request("GET", f"blobs/{self.digest}", headers))
        try:
            if self.written and response.status_code == RANGE_NOT_SATISFIABLE:
                return
            self.client.expect(response, 200, 206)
            # A registry without ranges sends all of it again.
            known = self.written if response.status_code == 200 else 0
            # Chunks as they arrive: what a larger buffer holds is lost when the connection is cut.
            for chunk in paced(response.iter_raw(), self.clock):
                missing = chunk[known:]
                known = max(0, known - len(chunk))
                self.write(missing)
                self.written += len(missing)
        finally:
            response.close()
