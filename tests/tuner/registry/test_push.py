"""Pushing an adapter, and reading it with other programs."""

import io
import json
import math
import random
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from kaito_registry.credentials import Credentials
from kaito_registry.digest import sha256
from kaito_registry.fake import FakeRegistry
from kaito_registry.media_types import MANIFEST_TYPE
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.registry.conftest import GOOD, Open
from tests.tuner.registry.cutting_proxy import CuttingProxy
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import WORKSPACE_ANNOTATION, ImageMetadata
from tuner.registry.push import push

METADATA = ImageMetadata(architecture="amd64", annotations={"sh.kaito.model.name": "phi-3-tiny"})


def test_pushing_twice_gives_the_same_image(
    basic_host: str, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(basic_host, GOOD)
    adapter = write_adapter(tmp_path / "adapter")
    first, second = (
        push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
        for _ in range(2)
    )
    assert first.digest == second.digest
    assert repository.read_manifest("1") == first.manifest
    assert repository.read_manifest(first.digest) == first.manifest


def test_existing_content_is_not_uploaded_again(
    fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(fake_registry.host, Credentials())
    adapter = write_adapter(tmp_path / "adapter")
    image = push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    fake_registry.requests.clear()
    push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    assert not [line for line in fake_registry.requests if line.startswith(('"PUT', '"POST'))]
    del fake_registry.manifests["1"], fake_registry.blobs[image.config_digest]
    fake_registry.requests.clear()
    push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    assert len([line for line in fake_registry.requests if line.startswith('"POST')]) == 1


def _metadata(run: str, date: str) -> ImageMetadata:
    return ImageMetadata(
        architecture="amd64", annotations={WORKSPACE_ANNOTATION: run, "date": date}
    )


@pytest.mark.parametrize(
    "manifest",
    [b'{"schemaVersion": 2}', b'{"annotations": {"ai.kaito.workspace": "team/other"}}', b"[]"],
    ids=["no Workspace", "another Workspace", "not a manifest"],
)
@pytest.mark.parametrize("run", ["this", ""])
def test_other_image_is_not_overwritten(
    run: str, manifest: bytes, fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    fake_registry.manifests["1"] = manifest
    repository = open_repository(fake_registry.host, Credentials())
    adapter = write_adapter(tmp_path / "adapter")
    reference = repository.client.reference
    metadata = _metadata(run, "") if run else METADATA
    with pytest.raises(RunError, match="is already another image") as caught:
        push(adapter, reference, metadata, repository, tmp_path / "work")
    assert caught.value.reason is Reason.PUSH_FAILED
    assert sha256(manifest) in caught.value.message
    assert fake_registry.manifests == {"1": manifest}
    assert not fake_registry.blobs


def _trained_from(dataset: str, date: str) -> ImageMetadata:
    return ImageMetadata(
        architecture="amd64",
        annotations={
            WORKSPACE_ANNOTATION: "this",
            "ai.kaito.dataset.digest": dataset,
            "date": date,
        },
    )


@pytest.mark.parametrize("pusher", ["this", "another"])
def test_tag_moves_to_other_content_only_with_overwrite(
    pusher: str, open_host: str, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(open_host, Credentials())
    adapter, reference = write_adapter(tmp_path / "adapter"), repository.client.reference
    first = _trained_from("sha256:one", "1")
    if pusher == "another":
        first = _metadata(pusher, "1")
    image = push(adapter, reference, first, repository, tmp_path / "work")
    second = _trained_from("sha256:two", "2")
    with pytest.raises(RunError, match="and a tag is not moved: delete that tag") as caught:
        push(adapter, reference, second, repository, tmp_path / "work")
    cause = "trained from other inputs" if pusher == "this" else "did not push"
    assert f"({image.digest}), which this Workspace {cause}" in caught.value.message
    assert repository.read_manifest("1") == image.manifest
    moved = push(adapter, reference, second, repository, tmp_path / "work", overwrite=True)
    assert repository.read_manifest("1") == moved.manifest != image.manifest
    # What the tag named before is still there by its digest.
    assert repository.read_manifest(image.digest) == image.manifest


def test_repeated_run_of_the_same_inputs_replaces_its_image(
    fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(fake_registry.host, Credentials())
    adapter, reference = write_adapter(tmp_path / "adapter"), repository.client.reference
    for date in ("1", "2"):
        metadata = _trained_from("sha256:one", date)
        image = push(adapter, reference, metadata, repository, tmp_path / "work")
    assert fake_registry.manifests["1"] == image.manifest


def test_image_of_an_earlier_attempt_is_replaced(
    fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(fake_registry.host, Credentials())
    adapter = write_adapter(tmp_path / "adapter")
    for date in ("1", "2"):
        metadata = _metadata("this", date)
        image = push(adapter, repository.client.reference, metadata, repository, tmp_path / "work")
        assert fake_registry.manifests["1"] == image.manifest


@pytest.mark.parametrize("part", ["layer", "manifest"])
def test_damage_is_detected_when_reading_back(
    part: str, fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(fake_registry.host, Credentials())
    adapter = write_adapter(tmp_path / "adapter")
    image = push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    fake_registry.corrupt = {image.layer.digest if part == "layer" else image.digest}
    with pytest.raises(RunError, match=r"reading .* back gave") as caught:
        push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    assert caught.value.reason is Reason.PUSH_FAILED


def with_skopeo(host: str, directory: Path) -> tuple[str, list[str]]:
    """The digest and the file names in the layer, as skopeo reads them."""
    source = f"docker://{host}/team/adapter:1"
    seen = json.loads(_skopeo("inspect", "--tls-verify=false", source))
    archive = directory / "image.tar"
    _skopeo("copy", "--src-tls-verify=false", source, f"docker-archive:{archive}")
    with tarfile.open(archive) as tar:
        index = tar.extractfile("manifest.json")
        assert index is not None
        with tarfile.open(fileobj=tar.extractfile(json.load(index)[0]["Layers"][0])) as layer:
            return seen["Digest"], layer.getnames()


def with_urllib(host: str, directory: Path) -> tuple[str, list[str]]:
    """The same with plain requests, as any client may send them."""
    base = f"http://{host}/v2/team/adapter"
    request = urllib.request.Request(f"{base}/manifests/1", headers={"Accept": MANIFEST_TYPE})
    with urllib.request.urlopen(request) as response:
        manifest = response.read()
    digest = json.loads(manifest)["layers"][0]["digest"]
    with (
        urllib.request.urlopen(f"{base}/blobs/{digest}") as response,
        tarfile.open(fileobj=io.BytesIO(response.read())) as layer,
    ):
        return sha256(manifest), layer.getnames()


READERS = [with_urllib, *([with_skopeo] if shutil.which("skopeo") else [])]


@pytest.mark.parametrize("read", READERS, ids=lambda reader: reader.__name__)
def test_other_programs_can_read_the_image(
    read: Callable[[str, Path], tuple[str, list[str]]],
    open_host: str,
    open_repository: Open,
    tmp_path: Path,
) -> None:
    repository = open_repository(open_host, Credentials())
    adapter = write_adapter(tmp_path / "adapter")
    image = push(adapter, repository.client.reference, METADATA, repository, tmp_path / "work")
    digest, names = read(open_host, tmp_path)
    assert digest == image.digest
    assert names == ["data", "data/adapter_config.json", "data/adapter_model.safetensors"]


def test_push_ends_over_a_link_that_is_cut(
    open_host: str, open_repository: Open, tmp_path: Path
) -> None:
    # Hardly compressible: the layer must be larger than what a connection carries.
    values = [math.sin(number) for number in range(300_000)]
    adapter = write_adapter(tmp_path / "adapter", *values)
    with CuttingProxy(open_host, cut_bytes=400_000).running() as proxy:
        repository = open_repository(proxy.host, Credentials())
        reference = repository.client.reference
        image = push(adapter, reference, METADATA, repository, tmp_path / "work")
        assert image.layer.size > 2 * proxy.cut_bytes
        # Twice while the layer is written, and as often as it takes to read it back.
        assert proxy.cuts >= 2 + image.layer.size // proxy.cut_bytes
    digest, names = with_urllib(open_host, tmp_path)
    assert digest == image.digest
    assert names == ["data", "data/adapter_config.json", "data/adapter_model.safetensors"]


def test_push_ends_through_a_proxy_that_cuts_every_two_mebibytes(
    open_host: str, open_repository: Open, tmp_path: Path
) -> None:
    # Random bytes as weights: the layer is as large as they are, 5 MB.
    generator = random.Random(1)
    adapter = write_adapter(tmp_path / "adapter", *(generator.random() for _ in range(1_300_000)))
    with CuttingProxy(open_host, cut_bytes=2 << 20).running() as proxy:
        repository = open_repository(proxy.host, Credentials())
        reference = repository.client.reference
        image = push(adapter, reference, METADATA, repository, tmp_path / "work")
        assert image.layer.size > 2 * proxy.cut_bytes
        assert proxy.cuts >= 2
    assert with_urllib(open_host, tmp_path)[0] == image.digest


def _skopeo(*arguments: str) -> str:
    done = subprocess.run(
        ["skopeo", "--insecure-policy", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
