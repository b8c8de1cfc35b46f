"""What a release consists of, as data: release.json and the values that pin its images. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tools.release.source import Source

FILE = "release.json"
VALUES_FILE = "image-digests.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image: its archive and SBOM as paths in the release, and its manifest's digest."""

    name: str
    archive: str
    sbom: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`tools` are the versions of what built it; `torch` is cpu or cuda. `repository` is the URL of
    the repository that publishes it; empty if no file names it."""

    version: str
    torch: str
    source: Source
    images: tuple[Image, ...]
    chart: str
    crds: tuple[str, ...]
    plugin: tuple[str, ...]
    kubernetes: str
    tools: Mapping[str, str]
    repository: str = ""


def render(release: Release) -> str:
    """The text of release.json."""
    document = {
        "version": release.version,
        "torch": release.torch,
        "source": {
            "commit": release.source.commit,
            "committed": release.source.timestamp,
            "modified": release.source.modified,
        },
        "kubernetes": release.kubernetes,
        "images": {
            image.name: {"archive": image.archive, "sbom": image.sbom, "digest": image.digest}
            for image in release.images
        },
        "chart": release.chart,
        "crds": list(release.crds),
        "plugin": list(release.plugin),
        "tools": dict(release.tools),
    }
    return json.dumps(document, indent=2) + "\n"


def image_values(images: Mapping[str, str]) -> str:
    """A values file for the chart that pins images, given by name with their digests."""
    values: dict[str, Any] = {"global": {"image": {"digests": dict(sorted(images.items()))}}}
    note = "# Pins the images of this release: helm install ... --values image-digests.yaml\n"
    return note + yaml.safe_dump(values, sort_keys=False, width=120)
