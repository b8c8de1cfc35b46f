"""A folder as an image: reproducible, and in the format that container runtimes require."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from tests.images.small_registry import small_registry
from tools.images.registry import Registry
from tools.preset_models import oci
from tools.preset_models.__main__ import WEIGHTS, publish


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "model.safetensors").chmod(0o600)
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_dates_and_modes_do_not_change_the_layer(model: Path) -> None:
    before = oci.tar(model, WEIGHTS)
    os.utime(model / "config.json", (0, 0))
    (model / "config.json").chmod(0o640)
    assert oci.tar(model, WEIGHTS) == before


def test_files_are_below_the_root_and_world_readable(model: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(oci.tar(model, WEIGHTS))) as archive:
        modes = {entry.name: entry.mode for entry in archive}
    assert modes == {
        "workspace": 0o755,
        "workspace/tfs": 0o755,
        "workspace/tfs/weights": 0o755,
        "workspace/tfs/weights/config.json": 0o644,
        "workspace/tfs/weights/model.safetensors": 0o644,
    }


def test_config_has_the_uncompressed_digest_and_manifest_the_compressed_one(model: Path) -> None:
    archive = oci.tar(model, WEIGHTS)
    image = oci.image(archive, {"title": "x"})
    config = json.loads(image.config)
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(archive).hexdigest()]
    assert gzip.decompress(image.layer) == archive
    layer = image.manifest["layers"][0]
    assert (layer["digest"], layer["size"]) == (oci.digest(image.layer), len(image.layer))
    assert image.manifest["config"]["digest"] == oci.digest(image.config)


def test_presets_share_the_layer(model: Path) -> None:
    archive = oci.tar(model, WEIGHTS)
    with small_registry() as content:
        registry = Registry(content.address)
        one = publish(registry, "phi-3-mini-4k-instruct", "0.0.1", archive)
        publish(registry, "phi-3-mini-128k-instruct", "0.0.2", archive)
        assert one == f"{content.address}/kaito-phi-3-mini-4k-instruct:0.0.1"
        assert set(content.manifests) == {
            "/v2/kaito-phi-3-mini-4k-instruct/manifests/0.0.1",
            "/v2/kaito-phi-3-mini-128k-instruct/manifests/0.0.2",
        }
        assert len(content.blobs) == 3
