"""Reads what a registry has about an image: the blobs of one type that refer to it."""

from collections.abc import Callable
from typing import Protocol

from kaito_registry.digest import sha256
from kaito_registry.manifest import ImageInvalid
from kaito_registry.referrers import blobs_of_type, fallback_tag, listed_digests

# Whoever may push to the repository can attach more. A release has a handful.
MAX_REFERRERS = 64
MAX_BLOB_BYTES = 1 << 20
# A signature is one blob of its artifact, so that the first artifact takes no room of the others.
MAX_BLOBS_PER_REFERRER = 4
_MAX_PAGES = 8


class _LongerThanDeclared(Exception):
    """Ends the download of a blob."""


class Source(Protocol):
    """A repository, as RepositoryReader reads it."""

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None: ...

    def read_manifest(self, reference: str) -> bytes | None: ...

    def read_referrers(self, digest: str, max_pages: int) -> list[bytes] | None: ...


def read_attached(repository: Source, digest: str, media_type: str) -> list[bytes]:
    """The blobs of type `media_type` in artifacts about the image `digest`, in the listed order.

    Nothing but their digests is checked: whoever may push to the repository can attach some.

    So an artifact that cannot be read is passed over: it hides none of the others.

    Raises:
        ImageInvalid: the registry's list cannot be read.
        Exception: what the errors of `repository` make.
    """
    blobs = dict.fromkeys(
        blob
        for referrer in _listed(repository, digest)[:MAX_REFERRERS]
        for blob in _blobs(repository, referrer, media_type)
        if blob[1] <= MAX_BLOB_BYTES
    )
    contents = (_read(repository, *blob) for blob in blobs)
    return [content for content in contents if content is not None]


def _blobs(repository: Source, referrer: str, media_type: str) -> tuple[tuple[str, int], ...]:
    manifest = repository.read_manifest(referrer)
    if manifest is None or sha256(manifest) != referrer:
        return ()
    try:
        return blobs_of_type(manifest, media_type)[:MAX_BLOBS_PER_REFERRER]
    except ImageInvalid:
        return ()


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
            raise _LongerThanDeclared

    try:
        repository.read_blob(digest, write)
    except _LongerThanDeclared:
        return None
    return bytes(content) if sha256(bytes(content)) == digest else None
