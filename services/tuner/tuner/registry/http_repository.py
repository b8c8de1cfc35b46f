"""Repository over the HTTP API of the OCI distribution specification.

Own code instead of a library: docs/design/0006-own-registry-client.md says why.
"""

from contextlib import suppress
from dataclasses import dataclass

import httpx2

from kaito_process.retry_policy import TransientError
from kaito_registry.answers import quote
from kaito_registry.digest import sha256
from kaito_registry.manifest import ImageInvalid
from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPE
from kaito_registry.referrers import EMPTY_CONFIG, Referrer, fallback_tag, with_referrer
from kaito_registry.registry_client import Content, Request
from kaito_registry.repository_reader import RepositoryReader
from tuner.errors import RunError
from tuner.registry.blob_upload import BlobUpload
from tuner.registry.push_errors import PushErrors, is_immutable_tag

# A registry that refuses to change a tag says so with one of these.
TAG_REFUSALS = frozenset({400, 403, 405, 409, 412})


@dataclass(slots=True, kw_only=True)
class HttpRepository(RepositoryReader):
    """A repository that can also be pushed to. `errors` are those of its client."""

    errors: PushErrors

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

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """See Repository."""
        request = Request("PUT", f"manifests/{tag}", {"Content-Type": MANIFEST_TYPE}, manifest)

        def put() -> None:
            response = self.client.send(request, handled=TAG_REFUSALS)
            if is_immutable_tag(response):
                # An earlier try may have been accepted although its answer was lost.
                if self.read_manifest(tag) == manifest:
                    return
                raise self.errors.immutable_tag(quote(response))
            self.client.check_status(response)
            self.client.expect(response, 201)

        self._retried(put)

    def put_referrer(self, referrer: Referrer) -> None:
        """See Repository."""
        for content in (EMPTY_CONFIG, referrer.content):
            if not self.has_blob(sha256(content)):
                self.put_blob(sha256(content), content)
        headers = {"Content-Type": MANIFEST_TYPE}
        manifest = referrer.manifest
        request = Request("PUT", f"manifests/{sha256(manifest)}", headers, manifest)
        # The registry that lists it itself says so with this header.
        if "oci-subject" not in self._put(request).headers:
            self._list(referrer)

    def _list(self, referrer: Referrer) -> None:
        """Add it to the index that registries without the referrers API list artifacts by."""
        tag = fallback_tag(referrer.subject_digest)
        index = self.read_manifest(tag)
        try:
            updated = with_referrer(index, referrer)
        except ImageInvalid as error:
            raise self.errors.refused(f"the tag {tag} {error}") from error
        if updated != index:
            self._put(Request("PUT", f"manifests/{tag}", {"Content-Type": INDEX_TYPE}, updated))

    def _put(self, request: Request) -> httpx2.Response:
        def put() -> httpx2.Response:
            response = self.client.send(request)
            self.client.expect(response, 201)
            return response

        return self._retried(put)
