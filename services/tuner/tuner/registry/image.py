"""The adapter as a container image: one layer with the folder data. Knows no registry.

The same files always give the same bytes. It is an image and not an artifact: container runtimes
mount only what has a real image config whose rootfs.diff_ids match the layers.
"""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kaito_registry.digest import sha256
from kaito_registry.media_types import MANIFEST_TYPE
from tuner.results import ADAPTER_FILES, IMAGE_FILES

# The folder in the image that the model-server mounts, as in upstream KAITO's adapter images.
FOLDER = "data"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
# Which run pushed the image: a digest, as names of namespaces are nobody's business elsewhere.
WORKSPACE_ANNOTATION = "ai.kaito.workspace"
# Weights hardly compress: a higher level costs minutes on large adapters and gains next to nothing.
COMPRESSION_LEVEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMetadata:
    """What an image declares besides its content. `architecture` is a GOARCH value."""

    architecture: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer on disk.

    Digests are "sha256:<hex>": `digest` that of the compressed file, `diff_id` that of the tar
    archive in it. `size` is the file's, in bytes.
    """

    path: Path
    digest: str
    diff_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A complete image, ready to push."""

    layer: Layer
    config: bytes
    manifest: bytes

    @property
    def config_digest(self) -> str:
        return sha256(self.config)

    @property
    def digest(self) -> str:
        return sha256(self.manifest)


def build_layer(adapter: Path, target: Path) -> Layer:
    """Pack the adapter in the directory `adapter`, and its card, into the layer `target`."""
    # An earlier release left no card, and its adapter is pushed all the same.
    names = [name for name in IMAGE_FILES if name in ADAPTER_FILES or (adapter / name).is_file()]
    with target.open("wb") as file:
        outer = _HashingWriter(file)
        # Neither a name nor a time in gzip's header, as in the tar entries: both would vary.
        with gzip.GzipFile("", "wb", COMPRESSION_LEVEL, outer, mtime=0) as zipped:
            inner = _HashingWriter(zipped)
            with tarfile.open(fileobj=inner, mode="w|", format=tarfile.USTAR_FORMAT) as tar:  # type: ignore[call-overload]
                tar.addfile(_entry(FOLDER, tarfile.DIRTYPE, 0o755, 0))
                for name in names:
                    path = adapter / name
                    entry = _entry(f"{FOLDER}/{name}", tarfile.REGTYPE, 0o644, path.stat().st_size)
                    with path.open("rb") as content:
                        tar.addfile(entry, content)
    return Layer(path=target, digest=outer.digest, diff_id=inner.digest, size=target.stat().st_size)


def build_image(layer: Layer, metadata: ImageMetadata) -> Image:
    """The image with this one layer."""
    config = _json(
        {
            "architecture": metadata.architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created_by": "kaito tuner", "comment": "LoRA adapter"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": sha256(config), "size": len(config)},
            "layers": [{"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size}],
            "annotations": dict(sorted(metadata.annotations.items())),
        }
    )
    return Image(layer=layer, config=config, manifest=manifest)


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class _HashingWriter:
    """A writable file that hashes everything written to it."""

    def __init__(self, file: _Writable) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _entry(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size = kind, mode, size
    return entry


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
