"""An image's manifest: which layers it has, or which images an index lists. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_registry.media_types import INDEX_TYPES
from kaito_registry.reference import DIGEST


class ImageInvalid(Exception):
    """An image that cannot be read. The message continues a sentence that begins with it."""


class ContentAltered(ImageInvalid):
    """Content that is not what its digest says."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer by its digest, "sha256:<hex>". `size` is that of the compressed file, in bytes."""

    digest: str
    size: int
    gzipped: bool


def parse_manifest(content: bytes) -> Mapping[str, Any]:
    """The document.

    Raises:
        ImageInvalid: it is no JSON object.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ImageInvalid("has a manifest that is not JSON") from error
    if not isinstance(document, dict):
        raise ImageInvalid("has a manifest that is not a JSON object")
    return document


def is_index(document: Mapping[str, Any]) -> bool:
    """Whether it lists images, one for each platform, and is none itself."""
    return document.get("mediaType") in INDEX_TYPES or "manifests" in document


def choose_image(index: Mapping[str, Any]) -> str:
    """The digest of the first image: files are the same on every platform.

    Raises:
        ImageInvalid: it lists no image.
    """
    # Attestations are listed beside the images that they are about, with the platform "unknown".
    for entry in _list(index, "manifests"):
        if (digest := _digest(entry)) and _platform(entry).get("os") != "unknown":
            return digest
    raise ImageInvalid("lists no image")


def layers(document: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers of an image, the lowest first.

    Raises:
        ImageInvalid: it has none, or one of another format.
    """
    found = tuple(_layer(entry) for entry in _list(document, "layers"))
    if not found:
        raise ImageInvalid("has no layers")
    return found


def _layer(entry: Mapping[str, Any]) -> Layer:
    type_, size, digest = str(entry.get("mediaType") or ""), entry.get("size"), _digest(entry)
    gzipped = type_.endswith(("tar+gzip", "tar.gzip"))
    if not gzipped and not type_.endswith(".tar"):
        raise ImageInvalid(
            f"has a layer of type {type_!r}: push it as an image with layers of tar or tar+gzip"
        )
    if not digest or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ImageInvalid("has a layer without a digest or a size")
    return Layer(digest, size, gzipped)


def _list(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _digest(entry: Mapping[str, Any]) -> str:
    digest = str(entry.get("digest") or "")
    return digest if DIGEST.fullmatch(digest) else ""


def _platform(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = entry.get("platform")
    return found if isinstance(found, dict) else {}
