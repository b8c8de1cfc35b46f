"""Uploads one blob over a link that may be cut at any byte.

The first attempt sends the blob whole, which every registry accepts and which costs two requests.
Once a connection was cut, the blob goes in chunks, each on a connection of its own, and continues
where the registry says that it ends.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx2

from kaito_process.retry_policy import TransientError
from kaito_registry.answers import quote
from kaito_registry.registry_client import Content, RegistryClient, Request

# What a link that is cut every few megabytes lets through. Also below the limits on a chunk that
# registries have (4 MiB and more).
CHUNK_BYTES = 1 << 20
# A chunk that was cut is divided by 4, so that the usual five attempts come down to this. Below
# it, requests cost more than the data.
SMALLEST_CHUNK_BYTES = 64 << 10
# Bad Request, Not Found, Method Not Allowed, Not Implemented: registries that only accept whole
# blobs (Artifact Registry) answer a chunk so.
CHUNKS_UNSUPPORTED = frozenset({400, 404, 405, 415, 501})
RANGE_NOT_SATISFIABLE = 416
RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


@dataclass(slots=True, kw_only=True)
class BlobUpload:
    """The upload of `content` under `digest`.

    `confirmed` is the most bytes that the registry has had at any time: what counts as progress.
    """

    client: RegistryClient
    digest: str
    content: Content
    confirmed: int = 0
    _in_chunks: bool = False
    _chunks_refused: bool = False
    _chunk_bytes: int = CHUNK_BYTES
    _smallest_chunk_bytes: int = SMALLEST_CHUNK_BYTES
    _location: httpx2.URL | None = None
    _offset: int = 0

    def attempt(self) -> None:
        """Upload what is missing. Call it again after a TransportError or a TransientError.

        Raises:
            httpx2.TransportError: the connection was cut.
            TransientError: a retry may help.
            RunError: the registry refuses the blob.
        """
        try:
            if self._in_chunks:
                # The registry may have stored the blob although its answer was lost.
                if not self.client.is_found(Request("HEAD", f"blobs/{self.digest}")):
                    self._send_chunks()
            else:
                self._send_whole()
        except httpx2.TransportError:
            self._in_chunks = not self._chunks_refused
            raise

    def _send_whole(self) -> None:
        location = self._start()
        self._finish(location, self.content, self._size)

    def _send_chunks(self) -> None:
        self._resume()
        assert self._location is not None
        while self._offset < self._size:
            self._send_chunk(self._location)
        self._finish(self._location, b"", 0)

    def _start(self) -> httpx2.URL:
        response = self.client.send(Request("POST", "blobs/uploads/"))
        self.client.expect(response, 202)
        smallest = response.headers.get("oci-chunk-min-length", "")
        if smallest.isdigit():
            self._smallest_chunk_bytes = max(SMALLEST_CHUNK_BYTES, int(smallest))
        return _location(response)

    def _resume(self) -> None:
        """Find out how much the registry has; start over if it has forgotten the upload."""
        if self._location is not None:
            response = self.client.send(Request("GET", self._location), handled=range(400, 500))
            response.read()
            if response.status_code in (200, 204):
                self._accept(response, 0)
                return
        self._location, self._offset = self._start(), 0

    def _send_chunk(self, location: httpx2.URL) -> None:
        size = max(self._chunk_bytes, self._smallest_chunk_bytes)
        chunk = self._read(self._offset, size)
        end = self._offset + len(chunk)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(chunk)),
            "Content-Range": f"{self._offset}-{end - 1}",
            # A new connection for each chunk: a link that is cut after so many bytes would cut the
            # second chunk on the same one, and some registries drop an upload that was cut.
            "Connection": "close",
        }
        request = Request("PATCH", location, headers, chunk)
        handled = CHUNKS_UNSUPPORTED | {RANGE_NOT_SATISFIABLE}
        try:
            response = self.client.send(request, handled=handled)
        except httpx2.TransportError:
            self._chunk_bytes = max(size // 4, SMALLEST_CHUNK_BYTES)
            raise
        if response.status_code == RANGE_NOT_SATISFIABLE:
            raise TransientError(f"the upload is at another offset: {quote(response)}")
        if response.status_code in CHUNKS_UNSUPPORTED:
            self._forget(refused=self.confirmed == 0)
            raise TransientError(f"the registry refused a chunk: {quote(response)}")
        self.client.expect(response, 202)
        self._accept(response, end)

    def _accept(self, response: httpx2.Response, offset: int) -> None:
        """Continue as `response` says; without a Range header at `offset`."""
        if "location" in response.headers:
            self._location = _location(response)
        received = RANGE.fullmatch(response.headers.get("range", ""))
        # Nothing and one byte are both "0-0" to some registries. One byte sent twice is refused and
        # found out; one byte left out would not be, so take it as nothing.
        end = int(received[1]) if received else 0
        self._offset = end + 1 if end else offset
        self.confirmed = max(self.confirmed, self._offset)

    def _forget(self, *, refused: bool) -> None:
        self._location, self._offset = None, 0
        self._chunks_refused, self._in_chunks = refused, not refused

    def _finish(self, location: httpx2.URL, content: Content, size: int) -> None:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        target = _with_digest(location, self.digest)
        response = self.client.send(Request("PUT", target, headers, content))
        self.client.expect(response, 201)

    @property
    def _size(self) -> int:
        content = self.content
        return len(content) if isinstance(content, bytes) else content.stat().st_size

    def _read(self, offset: int, size: int) -> bytes:
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        return self.content[offset : offset + size]


def _location(response: httpx2.Response) -> httpx2.URL:
    return response.url.join(response.headers.get("location", ""))


def _with_digest(location: httpx2.URL, digest: str) -> httpx2.URL:
    """`location` with the digest added to its query.

    The rest stays byte for byte as it is: it carries the state of the upload, often signed.
    """
    separator = b"&" if location.query else b"?"
    parameter = b"digest=" + digest.replace(":", "%3A").encode()
    return location.copy_with(raw_path=location.raw_path + separator + parameter)
