"""Repository over the HTTP API of the OCI distribution specification.

Own code instead of a library: the client on PyPI (oras) pushes artifacts, which container runtimes
refuse to mount, and would save only five requests. Translates what RegistryClient raises and
returns:

    httpx2.TransportError, TransientError → REGISTRY_UNREACHABLE, after retries
    any unexpected status                 → PUSH_FAILED
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from tuner.registry.image import MANIFEST_TYPE
from tuner.registry.push_errors import is_immutable_tag, quote
from tuner.registry.registry_client import CHUNK_BYTES, Content, RegistryClient, Request
from tuner.retry import RetryPolicy, TransientError

# A registry that refuses to change a tag says so with one of these.
TAG_REFUSALS = frozenset({400, 403, 405, 409, 412})

Result = TypeVar("Result")


@dataclass(slots=True, kw_only=True)
class HttpRepository:
    """The repository that `client` sends requests to."""

    client: RegistryClient
    retry_policy: RetryPolicy

    def has_blob(self, digest: str) -> bool:
        """See Repository."""
        request = Request("HEAD", f"blobs/{digest}")
        return self._retried(lambda: self._is_found(self.client.send(request)))

    def put_blob(self, digest: str, content: Content) -> None:
        """See Repository."""
        self._retried(lambda: self._upload(digest, content))

    def read_blob(self, digest: str) -> Iterator[bytes]:
        """See Repository; errors are raised during the iteration."""
        try:
            response = self.client.send(Request("GET", f"blobs/{digest}"))
            try:
                self._expect(response, 200)
                yield from response.iter_raw(CHUNK_BYTES)
            finally:
                response.close()
        except (httpx2.TransportError, TransientError) as error:
            raise self.client.errors.unreachable(error) from error

    def read_manifest(self, reference: str) -> bytes | None:
        """See Repository."""
        request = Request("GET", f"manifests/{reference}", {"Accept": MANIFEST_TYPE})

        def read() -> bytes | None:
            response = self.client.send(request)
            return response.read() if self._is_found(response) else None

        return self._retried(read)

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """See Repository."""
        request = Request("PUT", f"manifests/{tag}", {"Content-Type": MANIFEST_TYPE}, manifest)

        def put() -> None:
            response = self.client.send(request, handled=TAG_REFUSALS)
            if is_immutable_tag(response):
                # An earlier try may have been accepted although its answer was lost.
                if self.read_manifest(tag) == manifest:
                    return
                raise self.client.errors.immutable_tag(quote(response))
            self.client.check_status(response)
            self._expect(response, 201)

        self._retried(put)

    def _upload(self, digest: str, content: Content) -> None:
        started = self.client.send(Request("POST", "blobs/uploads/"))
        self._expect(started, 202)
        location = started.url.join(started.headers.get("location", ""))
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        target = _with_digest(location, digest)
        self._expect(self.client.send(Request("PUT", target, headers, content)), 201)

    def _is_found(self, response: httpx2.Response) -> bool:
        if response.status_code == 404:
            response.close()
            return False
        self._expect(response, 200)
        return True

    def _expect(self, response: httpx2.Response, status: int) -> None:
        if response.status_code != status:
            raise self.client.errors.refused(quote(response))
        # Drain the body, so that the connection can be reused. The body of a GET is read later.
        if response.request.method != "GET":
            response.read()

    def _retried(self, work: Callable[[], Result]) -> Result:
        def attempt() -> Result:
            try:
                return work()
            except httpx2.TransportError as error:
                raise TransientError(f"{type(error).__name__}: {error}") from error

        try:
            return self.retry_policy.call(attempt)
        except TransientError as error:
            raise self.client.errors.unreachable(error) from error


def _with_digest(location: httpx2.URL, digest: str) -> httpx2.URL:
    """`location` with the digest added to its query.

    The rest stays byte for byte as it is: it carries the state of the upload, often signed.
    """
    separator = b"&" if location.query else b"?"
    parameter = b"digest=" + digest.replace(":", "%3A").encode()
    return location.copy_with(raw_path=location.raw_path + separator + parameter)
