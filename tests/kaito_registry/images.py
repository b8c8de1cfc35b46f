"""Images for tests: layers from files, pushed over HTTP."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2

from kaito_registry.media_types import MANIFEST_TYPE

TAR = "application/vnd.oci.image.layer.v1.tar"
GZIPPED = f"{TAR}+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class TestLayer:
    """A layer as it is pushed."""

    __test__ = False
    content: bytes
    media_type: str = GZIPPED


def layer(files: Mapping[str, bytes | tarfile.TarInfo], *, gzipped: bool = True) -> TestLayer:
    """A layer with these files; a TarInfo is an entry without content, such as a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    data = buffer.getvalue()
    return TestLayer(gzip.compress(data), GZIPPED) if gzipped else TestLayer(data, TAR)


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_of(layers: Sequence[TestLayer], config: bytes = b"{}") -> bytes:
    parts = [(each.media_type, each.content) for each in layers]
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _entry("application/vnd.oci.image.config.v1+json", config),
        "layers": [_entry(*part) for part in parts],
    }
    return json.dumps(document).encode()


def publish(
    host: str,
    repository: str,
    tag: str,
    layers: Sequence[TestLayer],
    auth: tuple[str, str] | None = None,
) -> str:
    """Push an image over plain HTTP, and return its digest."""
    base = f"http://{host}/v2/{repository}"
    with httpx2.Client(auth=auth) as client:
        for content in (b"{}", *(each.content for each in layers)):
            started = client.post(f"{base}/blobs/uploads/")
            assert started.status_code == 202, started.text
            location = str(started.url.join(started.headers["location"]))
            join = "&" if "?" in location else "?"
            url = f"{location}{join}digest={sha256(content)}"
            assert client.put(url, content=content).status_code == 201
        manifest = manifest_of(layers)
        headers = {"Content-Type": MANIFEST_TYPE}
        answer = client.put(f"{base}/manifests/{tag}", content=manifest, headers=headers)
        assert answer.status_code == 201, answer.text
    return sha256(manifest)


def _entry(type_: str, content: bytes) -> dict[str, object]:
    return {"mediaType": type_, "digest": sha256(content), "size": len(content)}
