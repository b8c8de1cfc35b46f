"""Repository over the HTTP API of the OCI distribution specification.

Own code instead of a library: the client on PyPI (oras) pushes artifacts, which container runtimes
refuse to mount, and would save only five requests. Translates what RegistryClient raises and
returns:

    httpx2.TransportError, TransientError → REGISTRY_UNREACHABLE, after retries
    any unexpected status                 → PUSH_FAILED
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from tuner.errors import RunError
from tuner.registry.blob_download import BlobDownload
from tuner.registry.blob_upload import BlobUpload
from tuner.registry.image import MANIFEST_TYPE, MANIFEST_TYPES
from tuner.registry.push_errors import is_certificate_error, is_immutable_tag, quote
from tuner.registry.registry_client import Content, RegistryClient, Request
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
        return self._retried(lambda: self.client.is_found(request))

    def put_blob(self, digest: str, content: Content) -> None:
        """See Repository."""
        upload = BlobUpload(client=self.client, digest=digest, content=content)
        self._retried(upload.attempt, lambda: upload.confirmed)

    def start_upload(self) -> None:
        """See Repository."""

        def start() -> None:
            response = self.client.send(Request("POST", "blobs/uploads/"))
            self.client.expect(response, 202)
            # Registries forget uploads that nobody finishes, so one that cannot be canceled, or not
            # with these credentials, does not matter.
            with suppress(httpx2.TransportError, TransientError, RunError):
                location = response.url.join(response.headers.get("location", ""))
                self.client.send(Request("DELETE", location), handled=range(400, 600)).read()

        self._retried(start)

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None:
        """See Repository."""
        download = BlobDownload(client=self.client, digest=digest, write=write)
        self._retried(download.attempt, lambda: download.written)

    def read_manifest(self, reference: str) -> bytes | None:
        """See Repository."""
        request = Request("GET", f"manifests/{reference}", {"Accept": MANIFEST_TYPES})

        def read() -> bytes | None:
            response = self.client.send(request)
            if response.status_code == 404:
                response.close()
                return None
            self.client.expect(response, 200)
            return response.read()

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
            self.client.expect(response, 201)

        self._retried(put)

    def _retried(
        self, work: Callable[[], Result], progress: Callable[[], int] = lambda: 0
    ) -> Result:
        def attempt() -> Result:
            try:
                return work()
            except httpx2.TransportError as error:
                if is_certificate_error(error):
                    raise self.client.errors.unreachable(error) from error
                raise TransientError(f"{type(error).__name__}: {error}") from error

        try:
            return self.retry_policy.call(attempt, progress)
        except TransientError as error:
            raise self.client.errors.unreachable(error) from error
