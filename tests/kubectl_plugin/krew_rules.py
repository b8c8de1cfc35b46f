"""krew's rules for a manifest, as `validate-krew-manifest` applies them. `make krew` runs that."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SEMANTIC = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
_SYSTEMS = {"linux", "darwin", "windows"}


def problems(manifest: Mapping[str, Any], file_name: str) -> list[str]:
    """Empty if krew takes the manifest."""
    return list(_problems(manifest, file_name))


def _problems(manifest: Mapping[str, Any], file_name: str) -> Iterator[str]:
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    if manifest["apiVersion"] != "krew.googlecontainertools.github.com/v1alpha2":
        yield "apiVersion"
    if manifest["kind"] != "Plugin":
        yield "kind"
    if not re.fullmatch(r"[\w-]+", name) or file_name != f"{name}.yaml":
        yield "metadata.name"
    if not _SEMANTIC.fullmatch(spec["version"]):
        yield "spec.version"
    if not spec["shortDescription"] or re.search(r"[\r\n]", spec["shortDescription"]):
        yield "spec.shortDescription"
    if not spec["platforms"]:
        yield "spec.platforms"
    seen = set()
    for platform in spec["platforms"]:
        yield from _of_platform(platform)
        labels = tuple(sorted(platform["selector"]["matchLabels"].items()))
        if labels in seen:
            yield "selector: two platforms match"
        seen.add(labels)


def _of_platform(platform: Mapping[str, Any]) -> Iterator[str]:
    labels = platform["selector"]["matchLabels"]
    if {*labels} - {"os", "arch"} or labels.get("os") not in _SYSTEMS:
        yield "selector"
    if not re.fullmatch(r"https://\S+\.(tar\.gz|zip)", platform["uri"]):
        yield "uri"
    if not re.fullmatch(r"[a-f0-9]{64}", platform["sha256"]):
        yield "sha256"
    if not platform["bin"] or platform["bin"].startswith(("/", "..")):
        yield "bin"
    if not platform["files"] or any(not f["from"] or not f["to"] for f in platform["files"]):
        yield "files"
