"""Reads images from one repository, over a link that may be cut.

Own code instead of a library: docs/design/0006-own-registry-client.md says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx2

from kaito_process.retry_policy import RetryPolicy, TransientError
from kaito_registry.answers import is_certificate_error
from kaito_registry.blob_download import BlobDownload
from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPES
from kaito_registry.paced import paced
from kaito_registry.registry_client import RegistryClient, Request

# What registries take; a manifest is held in memory.
MAX_MANIFEST_BYTES = 4 * 2**20
Result = TypeVar("Result")
# Bad Request, Not Found, Method Not Allowed, Not Acceptable: registries from before OCI 1.1.
REFERRERS_UNSUPPORTED = frozenset({400, 404, 405, 406})


@dataclass(slots=True, kw_only=True)
class RepositoryReader:
    """The repository that `client` sends requests to. Digests are "sha256:<hex>".

    Every method raises what the client's `errors` make: `unreachable` for no answer, or only
    transient errors after all retries.
    """

    client: RegistryClient
    retry_policy: RetryPolicy

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None:
        """Give the bytes of a blob to `write`, in chunks and in order."""
        clock = self.retry_policy.clock
        download = BlobDownload(client=self.client, digest=digest, write=write, clock=clock)
        self._retried(download.attempt, lambda: download.written)

    def read_manifest(self, reference: str) -> bytes | None:
        """The manifest of any type with a tag or digest; None if there is none."""
        request = Request("GET", f"manifests/{reference}", {"Accept": MANIFEST_TYPES})

        def read() -> bytes | None:
            response = self.client.send(request)
            if response.status_code == 404:
                response.close()
                return None
            self.client.expect(response, 200)
            try:
                return self._read(response)
            finally:
                response.close()

        return self._retried(read)

    def read_referrers(self, digest: str, max_pages: int) -> list[bytes] | None:
        """The pages of the list of artifacts about the image `digest`.

        None if the registry has no such list: before OCI 1.1, an index with a tag holds it.
        """
        target: str | httpx2.URL = f"referrers/{digest}"
        pages = list[bytes]()
        while len(pages) < max_pages:
            page = self._retried(partial(self._referrers_page, target))
            if page is None:
                return pages or None
            content, following = page
            pages.append(content)
            if following is None:
                break
            target = following
        return pages

    def _referrers_page(self, target: str | httpx2.URL) -> tuple[bytes, httpx2.URL | None] | None:
        response = self.client.send(
            Request("GET", target, {"Accept": INDEX_TYPE}), handled=REFERRERS_UNSUPPORTED
        )
        content = self._read(response)
        kind = response.headers.get("content-type", "").partition(";")[0]
        if response.status_code in REFERRERS_UNSUPPORTED or kind != INDEX_TYPE:
            return None
        self.client.expect(response, 200)
        following = response.links.get("next", {}).get("url")
        return content, self.client.named_url(response, following) if following else None

    def _read(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        for chunk in paced(response.iter_bytes(), self.retry_policy.clock):
            content += chunk
            if len(content) > MAX_MANIFEST_BYTES:
                problem = f"it sends a manifest of more than {MAX_MANIFEST_BYTES // 2**20} MiB"
                raise self.client.errors.refused(problem)
        return bytes(content)

    def _retried(
        self, work: Callable[[], Result], progress: Callable[[], int] = lambda: 0
    ) -> Result:
        def attempt() -> Result:
            try:
                return work()
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                if is_certificate_error(error):
                    raise self.client.errors.unreachable(error) from error
                raise TransientError(f"{type(error).__name__}: {error}") from error

        try:
            return self.retry_policy.call(attempt, progress)
        except TransientError as error:
            raise self.client.errors.unreachable(error) from error
