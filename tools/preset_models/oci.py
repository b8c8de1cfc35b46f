"""Packs a folder as a single-layer container image, byte for byte reproducible, and pushes it."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.images.registry import Registry

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
_FORMAT = "application/vnd.oci.image.manifest.v1+json"


def digest(content: bytes) -> str:
    """The content's digest, which is its address in a registry."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def tar(folder: Path, root: str) -> bytes:
    """A tar archive with the folder's files below `root`, a relative path.

    All entries are owned by root, readable by everyone and without a date.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        parts = Path(root).parts
        for depth in range(1, len(parts) + 1):
            entry = tarfile.TarInfo("/".join(parts[:depth]))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            content = file.read_bytes()
            entry = tarfile.TarInfo(f"{root}/{file.relative_to(folder).as_posix()}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Image:
    """The blobs of a single-layer image."""

    layer: bytes
    config: bytes

    @property
    def manifest(self) -> dict[str, Any]:
        """The OCI image manifest that refers to the blobs."""
        return {
            "schemaVersion": 2,
            "mediaType": _FORMAT,
            "config": _descriptor(CONFIG, self.config),
            "layers": [_descriptor(LAYER, self.layer)],
        }


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(content), "size": len(content)}


def image(archive: bytes, labels: dict[str, str]) -> Image:
    """An image with the tar archive as its only layer.

    As the OCI specification requires, the config refers to the layer by its uncompressed digest.
    """
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest(archive)]},
        "history": [{"created_by": "python -m tools.preset_models"}],
    }
    layer = gzip.compress(archive, compresslevel=1, mtime=0)
    return Image(layer=layer, config=json.dumps(config, sort_keys=True).encode())


def push(registry: Registry, repository: str, tag: str, image: Image) -> str:
    """Push the image, whether or not the tag exists, and return its digest.

    Raises:
        RegistryError: the registry cannot be reached or rejects the image.
    """
    registry.put_blob(repository, image.layer)
    registry.put_blob(repository, image.config)
    return registry.put_manifest(repository, tag, image.manifest)
