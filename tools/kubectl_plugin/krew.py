"""What krew, kubectl's plugin manager, installs: an archive for each platform, and a manifest."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.kubectl_plugin.platforms import PYTHONS, Platform

PROGRAM = "kubectl-kaito"
MANIFEST = "kaito.yaml"
_LICENSE = "LICENSE"
_DESCRIPTION = (
    "Shows what a model costs and where it fits before anything is requested, deploys and tunes "
    "it, follows it until it answers, and says why it stands still. The cluster needs Kaito's "
    "controllers."
)


def archive_name(target: Platform) -> str:
    return f"{PROGRAM}-{target.name}.tar.gz"


def pack(program: Path, license_file: Path, archive: Path, timestamp: int) -> Path:
    """An archive of the program and its license; the same bytes for the same input.

    `timestamp` is that of the files inside, in seconds since the epoch.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for source, name, mode in ((program, PROGRAM, 0o755), (license_file, _LICENSE, 0o644)):
            data = source.read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), mode, timestamp
            tar.addfile(info, io.BytesIO(data))
    # Level 1: the program is compressed already.
    archive.write_bytes(gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0))
    return archive


def manifest(version: str, repository: str, digests: Mapping[Platform, str]) -> str:
    """The text of kaito.yaml, by which krew finds the files of a release.

    `repository` is the URL of the repository whose release holds the archives, and `digests` are
    their SHA-256 in hex.
    """
    oldest, newest = (f"{major}.{minor}" for major, minor in (PYTHONS[0], PYTHONS[-1]))
    document = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "kaito"},
        "spec": {
            "version": f"v{version}",
            "homepage": repository,
            "shortDescription": "Serve and tune language models with Kaito",
            "description": _DESCRIPTION,
            "caveats": f"Needs Python {oldest} to {newest} on your PATH.",
            "platforms": [
                _platform(target, f"{repository}/releases/download/v{version}", sha256)
                for target, sha256 in digests.items()
            ],
        },
    }
    return yaml.safe_dump(document, sort_keys=False, width=100)


def _platform(target: Platform, folder: str, sha256: str) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": target.os, "arch": target.arch}},
        "uri": f"{folder}/{archive_name(target)}",
        "sha256": sha256,
        "files": [{"from": name, "to": "."} for name in (PROGRAM, _LICENSE)],
        "bin": PROGRAM,
    }
