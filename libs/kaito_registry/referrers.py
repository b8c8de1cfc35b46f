"""Artifacts that are about an image, such as signatures: how they refer to it, and who lists them.

A registry with the referrers API of OCI 1.1 lists them itself. Elsewhere the index with the tag
"sha256-<hex>" does, which whoever pushes one keeps. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_registry.digest import sha256
from kaito_registry.manifest import ImageInvalid, parse_manifest
from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPE
from kaito_registry.reference import DIGEST

EMPTY_CONFIG = b"{}"
_EMPTY_CONFIG_TYPE = "application/vnd.oci.empty.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """An artifact about the image whose manifest is `subject`. Its content is one blob."""

    subject: bytes
    artifact_type: str
    content: bytes
    annotations: Mapping[str, str]

    @property
    def subject_digest(self) -> str:
        return sha256(self.subject)

    @property
    def manifest(self) -> bytes:
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": self.artifact_type,
                "config": _descriptor(_EMPTY_CONFIG_TYPE, EMPTY_CONFIG),
                "layers": [_descriptor(self.artifact_type, self.content)],
                "subject": _descriptor(MANIFEST_TYPE, self.subject),
                "annotations": dict(self.annotations),
            }
        )

    @property
    def descriptor(self) -> Mapping[str, Any]:
        """Its entry in a list of referrers."""
        return {
            **_descriptor(MANIFEST_TYPE, self.manifest),
            "artifactType": self.artifact_type,
            "annotations": dict(self.annotations),
        }


def fallback_tag(digest: str) -> str:
    """The tag of the index that lists what is about the image `digest`."""
    return digest.replace(":", "-")


def listed_digests(index: bytes) -> tuple[str, ...]:
    """The digests of the artifacts that a list of referrers has.

    Raises:
        ImageInvalid: it is no list.
    """
    return tuple(
        digest
        for entry in _entries(index)
        if DIGEST.fullmatch(digest := str(entry.get("digest") or ""))
    )


def with_referrer(index: bytes | None, referrer: Referrer) -> bytes:
    """The list with one more artifact, unless it has that one already. None is an empty list.

    Raises:
        ImageInvalid: `index` is no list.
    """
    entries = _entries(index) if index is not None else []
    added = referrer.descriptor
    if index is not None and any(each.get("digest") == added["digest"] for each in entries):
        return index
    return _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [*entries, added]})


def blobs_of_type(manifest: bytes, media_type: str) -> tuple[tuple[str, int], ...]:
    """Digest and size of each blob of that type in an artifact's manifest.

    Raises:
        ImageInvalid: it is no manifest.
    """
    layers = parse_manifest(manifest).get("layers")
    listed = layers if isinstance(layers, list) else []
    entries = [each for each in listed if isinstance(each, dict)]
    return tuple(
        (digest, size)
        for each in entries
        if each.get("mediaType") == media_type
        and DIGEST.fullmatch(digest := str(each.get("digest") or ""))
        and isinstance(size := each.get("size"), int)
    )


def _entries(index: bytes) -> list[Mapping[str, Any]]:
    manifests = parse_manifest(index).get("manifests")
    if not isinstance(manifests, list):
        raise ImageInvalid("has a list of referrers that is no image index")
    return [entry for entry in manifests if isinstance(entry, dict)]


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
