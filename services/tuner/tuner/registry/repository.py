"""The interface to one repository of a registry, as the pusher needs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kaito_registry.referrers import Referrer


class Repository(Protocol):
    """One repository. Digests are "sha256:<hex>".

    Every method raises RunError: PUSH_UNAUTHORIZED if credentials are missing or refused,
    REGISTRY_UNREACHABLE if there is no answer or only transient errors after all retries, and
    PUSH_FAILED for everything else.
    """

    def has_blob(self, digest: str) -> bool:
        """True if the repository holds the blob."""

    def put_blob(self, digest: str, content: bytes | Path) -> None:
        """Upload a blob; the registry checks the digest."""

    def start_upload(self) -> None:
        """Begin an upload and cancel it: the registry accepts uploads of these credentials."""

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None:
        """Give the bytes of a blob to `write`, in chunks and in order."""

    def read_manifest(self, reference: str) -> bytes | None:
        """The manifest of any type with a tag or digest; None if there is none."""

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """Upload an image manifest under `tag`."""

    def read_referrers(self, digest: str, max_pages: int) -> list[bytes] | None:
        """The pages of the list of artifacts about an image; None if the registry has none."""

    def put_referrer(self, referrer: Referrer) -> None:
        """Upload an artifact about an image, and see to it that it is listed."""
