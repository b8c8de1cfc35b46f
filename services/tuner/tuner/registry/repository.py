"""The seam to a registry: one repository of it, as the pusher sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Repository(Protocol):
    """One repository. Digests are "sha256:<hex>".

    Errors of every method: RunError with PUSH_UNAUTHORIZED (credentials missing or refused),
    REGISTRY_UNREACHABLE (no answer, or a passing error, after retries) or PUSH_FAILED (else).
    """

    def has_blob(self, digest: str) -> bool:
        """True when the repository holds that blob."""

    def put_blob(self, digest: str, content: bytes | Path) -> None:
        """Uploads a blob; the registry checks the digest."""

    def read_blob(self, digest: str) -> Iterator[bytes]:
        """The blob's bytes, piece by piece."""

    def read_manifest(self, reference: str) -> bytes | None:
        """The image manifest under a tag or digest; None when there is none."""

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """Puts an image manifest under `tag`."""
