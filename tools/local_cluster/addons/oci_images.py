"""Pushes single-file images to the open registry, on the standard library alone."""

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from dataclasses import dataclass
from typing import Final

from tools.local_cluster import topology

_CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Blob:
    """Content with its media type; its digest is its address."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, slots=True)
class Image:
    config: Blob
    layer: Blob
    manifest: Blob


def from_program(name: str, program: bytes, arguments: list[str]) -> Image:
    """An image FROM scratch with one static program, which is its entrypoint."""
    tar = _tar(name, program)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{name}", *arguments], "User": "65535:65535"},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"],
        },
    }
    config_blob = Blob(_CONFIG_TYPE, json.dumps(config).encode())
    layer = Blob(_LAYER_TYPE, gzip.compress(tar, compresslevel=1, mtime=0))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": config_blob.descriptor,
        "layers": [layer.descriptor],
    }
    return Image(config_blob, layer, Blob(_MANIFEST_TYPE, json.dumps(manifest).encode()))


def _tar(name: str, program: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()


def push(image: Image, repository: str, tag: str) -> None:
    """Upload the image.

    Raises:
        OSError: the registry cannot be reached or rejects the upload.
    """
    for blob in (image.config, image.layer):
        started = _send("POST", f"/v2/{repository}/blobs/uploads/")
        location = started.headers["Location"]
        separator = "&" if "?" in location else "?"
        _send(
            "PUT",
            f"{location}{separator}digest={blob.digest}",
            blob.data,
            "application/octet-stream",
        )
    _send("PUT", f"/v2/{repository}/manifests/{tag}", image.manifest.data, _MANIFEST_TYPE)


def _send(method: str, location: str, data: bytes = b"", kind: str = "") -> "_Response":
    url = location if location.startswith("http") else f"http://{topology.REGISTRY}{location}"
    request = urllib.request.Request(url, data=data, method=method)
    if kind:
        request.add_header("Content-Type", kind)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return _Response(dict(response.headers))


@dataclass(frozen=True, slots=True)
class _Response:
    headers: dict[str, str]
