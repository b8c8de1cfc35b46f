"""A client for the part of a registry's HTTP API that pushing and lookups need."""

import hashlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ACCEPTED = ", ".join([MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"])
_TIMEOUT_SECONDS = 60


class RegistryError(RuntimeError):
    """The registry cannot be reached or rejects a request; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry without a login. `address` is host[:port].

    Every call raises RegistryError if it fails.
    """

    address: str
    plain_http: bool = True

    def _call(
        self, method: str, url: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        scheme = "http" if self.plain_http else "https"
        request = urllib.request.Request(
            urljoin(f"{scheme}://{self.address}/v2/", url),
            data=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                return (
                    answer.status,
                    {k.lower(): v for k, v in answer.headers.items()},
                    answer.read(),
                )
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return 404, {}, b""
            raise RegistryError(f"{method} {url}: {error.code} {error.reason}") from error
        except OSError as error:
            raise RegistryError(f"{self.address} does not answer: {error}") from error

    def reference(self, repository: str, tag: str) -> str:
        """The reference with which a cluster pulls the image."""
        return f"{self.address}/{repository}:{tag}"

    def has(self, repository: str, tag: str) -> bool:
        """Whether the registry has the tag."""
        status, _, _ = self._call("HEAD", f"{repository}/manifests/{tag}", Accept=_ACCEPTED)
        return status == 200

    def put_blob(self, repository: str, content: bytes) -> str:
        """Upload a blob unless it exists, and return its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        status, _, _ = self._call("HEAD", f"{repository}/blobs/{digest}")
        if status == 404:
            _, headers, _ = self._call("POST", f"{repository}/blobs/uploads/", b"")
            location = headers["location"]
            target = location + ("&" if "?" in location else "?") + urlencode({"digest": digest})
            self._call("PUT", target, content, Content_Type="application/octet-stream")
        return digest

    def put_manifest(self, repository: str, tag: str, manifest: dict[str, Any]) -> str:
        """Upload an OCI image manifest with a tag, and return its digest."""
        body = json.dumps(manifest, sort_keys=True).encode()
        self._call("PUT", f"{repository}/manifests/{tag}", body, Content_Type=MANIFEST)
        return "sha256:" + hashlib.sha256(body).hexdigest()

    def tag(self, repository: str, existing: str, tag: str) -> None:
        """Add a tag to an existing image."""
        status, headers, body = self._call(
            "GET", f"{repository}/manifests/{existing}", Accept=_ACCEPTED
        )
        if status == 404:
            raise RegistryError(
                f"{self.reference(repository, existing)} does not exist: push it first"
            )
        kind = headers["content-type"]
        self._call("PUT", f"{repository}/manifests/{tag}", body, Content_Type=kind)
