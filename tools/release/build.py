"""Builds a release into a folder, step by step."""

import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version as installed
from pathlib import Path

import yaml

from tools.images import base
from tools.images.buildah import Buildah
from tools.images.local import local_pipeline, local_store
from tools.images.pipeline import ResolvedImage, resolve
from tools.images.recipes import RELEASED, Torch, recipes
from tools.kubectl_plugin import build as plugin
from tools.kubectl_plugin.platforms import PLATFORMS
from tools.release import chart, checksums, manifest, oci, provenance
from tools.release.manifest import Image, Release
from tools.release.programs import require, run
from tools.release.sbom import Subject
from tools.release.scanning import scan
from tools.release.source import Source, read_source
from tools.release.version import CHART, read_version

_FOLDERS = ("images", "sbom", "crds")
_LOCKS = ("requirements/control.lock", "requirements/models.lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build: the checkout at `root`, into `output`.

    `repository` is the URL of the repository whose releases krew downloads; empty: none.
    """

    root: Path
    output: Path
    torch: Torch
    builder: str = provenance.BUILDER
    allow_modified: bool = False
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports every step when it starts, and how long it took."""

    report: Callable[[str], None]

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        start = time.monotonic()
        self.report(f"==> {title}")
        yield
        self.report(f"    {time.monotonic() - start:.1f} s")


def build(request: Request, report: Callable[[str], None]) -> list[Path]:
    """Writes the release and returns its files.

    Raises:
        ReleaseError: a program is missing or failed, or the checkout cannot be released.
        BuildFailedError: an image could not be built.
    """
    programs = require("git", "buildah", "helm", "mmdebstrap")
    version = read_version(request.root)
    source = read_source(request.root, allow_modified=request.allow_modified)
    progress = Progress(report)
    _clear(request.output)
    store = local_store()
    images = _images(request, version, source, store, progress)
    package = request.output / f"kaito-{version}.tgz"
    with progress.step(f"chart {package.name} and CRDs"):
        chart.package(programs["helm"], request.root / CHART, package, source.committed)
        crds = chart.copy_crds(request.root / CHART, request.output / "crds")
    plugin_files = _plugin(request, version, source, progress)
    release = Release(
        version=version,
        torch=request.torch,
        source=source,
        images=tuple(images),
        chart=package.name,
        crds=tuple(f"crds/{crd.name}" for crd in crds),
        plugin=tuple(file.name for file in plugin_files),
        kubernetes=yaml.safe_load((request.root / CHART / "Chart.yaml").read_text())["kubeVersion"],
        tools=_tools(programs["helm"], store),
        repository=request.repository,
    )
    with progress.step("manifest, provenance and checksums"):
        return _seal(request, release, {"base image": store.image_id(base.reference())})


def _clear(output: Path) -> None:
    """Removes an earlier release and nothing else: Pants writes into dist/ too."""
    for name in _FOLDERS:
        shutil.rmtree(output / name, ignore_errors=True)
    for pattern in ("kaito-*.tgz", manifest.FILE, manifest.VALUES_FILE, provenance.FILE):
        for path in output.glob(pattern):
            path.unlink()
    (output / checksums.FILE).unlink(missing_ok=True)
    plugin.clear(output)
    for name in _FOLDERS:
        (output / name).mkdir(parents=True)


def _images(
    request: Request, version: str, source: Source, store: Buildah, progress: Progress
) -> list[Image]:
    known = recipes(request.torch)
    labeled = [
        replace(known[name], arguments={**known[name].arguments, "VERSION": version})
        for name in RELEASED
    ]
    pipeline = local_pipeline(lambda line: progress.report(f"    {line}"))
    written = []
    for image in resolve(request.root, labeled):
        with progress.step(f"image {image.recipe.name}"):
            pipeline.build(image)
            written.append(_image(request.output, image, version, source, store))
    return written


def _image(
    output: Path, image: ResolvedImage, version: str, source: Source, store: Buildah
) -> Image:
    name = image.recipe.name
    archive = output / "images" / f"{name}-{version}.oci.tar"
    # Beside the archive: a model's image does not fit into a /tmp that is in memory.
    with tempfile.TemporaryDirectory(dir=output, prefix=".layout-") as folder:
        store.export(image.local, Path(folder), version)
        digest = oci.manifest_digest(Path(folder))
        oci.pack(Path(folder), archive, source.committed)
    sbom = output / "sbom" / f"{name}-{version}.cdx.json"
    subject = Subject(name=name, version=version, digest=digest)
    with store.mounted(image.local) as root:
        sbom.write_text(scan(subject, root, source.timestamp))
    return Image(
        name=name,
        archive=str(archive.relative_to(output)),
        sbom=str(sbom.relative_to(output)),
        digest=digest,
    )


def _plugin(request: Request, version: str, source: Source, progress: Progress) -> list[Path]:
    wanted = plugin.Request(
        root=request.root,
        output=request.output,
        platforms=PLATFORMS,
        version=version,
        timestamp=source.committed,
        repository=request.repository,
    )
    with progress.step("kubectl kaito"):
        return plugin.build(wanted, lambda line: progress.report(f"    {line}"))


def _tools(helm: str, store: Buildah) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "buildah": store.version(),
        "helm": run([helm, "version", "--template", "{{.Version}}"]).strip().removeprefix("v"),
        "cyclonedx-bom": installed("cyclonedx-bom"),
        "debsbom": installed("debsbom"),
        "pex": installed("pex"),
    }


def _seal(request: Request, release: Release, materials: dict[str, str]) -> list[Path]:
    """Writes the files about files: manifest, values, provenance, and the checksums last."""
    output = request.output
    (output / manifest.FILE).write_text(manifest.render(release))
    pinned = {image.name: image.digest for image in release.images}
    (output / manifest.VALUES_FILE).write_text(manifest.image_values(pinned))
    materials |= {name: checksums.digest(request.root / name) for name in _LOCKS}
    sums = checksums.digests(output, _files(output, release))
    document = provenance.statement(release, sums, materials, request.builder)
    (output / provenance.FILE).write_text(provenance.render(document))
    sums |= checksums.digests(output, [output / provenance.FILE])
    (output / checksums.FILE).write_text(checksums.render(sums))
    return [output / name for name in (*sorted(sums), checksums.FILE)]


def _files(output: Path, release: Release) -> Sequence[Path]:
    names = [release.chart, *release.crds, *release.plugin, manifest.FILE, manifest.VALUES_FILE]
    names += [name for image in release.images for name in (image.archive, image.sbom)]
    return [output / name for name in names]
