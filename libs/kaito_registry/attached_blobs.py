"""Reads what a registry has about an image: the blobs of one type that refer to it."""

from collections.abc import Callable
from typing import Protocol

from kaito_registry.digest import sha256
from kaito_registry.manifest import ImageInvalid
from kaito_registry.referrers import blobs_of_type, fallback_tag, listed_digests

# Whoever may push to the repository can attach more. A release has a handful.
MAX_REFERRERS = 64
MAX_BLOB_BYTES = 1 << 20
_MAX_PAGES = 8


class Source(Protocol):
    """A repository, as RepositoryReader reads it."""

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None: ...

    def read_manifest(self, reference: str) -> bytes | None: ...

    def read_referrers(self, digest: str, max_pages: int) -> list[bytes] | None: ...


def read_attached(repository: Source, digest: str, media_type: str) -> list[bytes]:
    """The blobs of type `media_type` in artifacts about the image `digest`, in the listed order.

    Nothing but their digests is checked: whoever may push to the repository can attach some.

    Raises:
        ImageInvalid: the registry's list, or an artifact in it, cannot be read.
        Exception: what the errors of `repository` make.
    """
    found = list[bytes]()
    for referrer in _listed(repository, digest)[:MAX_REFERRERS]:
        manifest = repository.read_manifest(referrer)
        if manifest is None or sha256(manifest) != referrer:
            continue
        for blob, size in blobs_of_type(manifest, media_type):
            if size <= MAX_BLOB_BYTES and (content := _read(repository, blob, size)) is not None:
                found.append(content)
    return found


def _listed(repository: Source, digest: str) -> tuple[str, ...]:
    """The artifacts about an image: by the referrers API, or by the index with the fallback tag."""
    pages = repository.read_referrers(digest, _MAX_PAGES)
    if pages is None:
        index = repository.read_manifest(fallback_tag(digest))
        pages = [index] if index is not None else []
    return tuple(dict.fromkeys(each for page in pages for each in listed_digests(page)))


def _read(repository: Source, digest: str, size: int) -> bytes | None:
    """The blob; None if it is not what its digest says."""
    content = bytearray()

    def write(chunk: bytes) -> None:
        content.extend(chunk)
        if len(content) > size:
            raise ImageInvalid(f"has an attached blob {digest} that is longer than it declares")

    repository.read_blob(digest, write)
    return bytes(content) if sha256(bytes(content)) == digest else None
