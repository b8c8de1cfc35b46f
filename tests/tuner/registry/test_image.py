"""The bytes of the image."""

import gzip
import io
import json
import tarfile
from pathlib import Path, PurePosixPath

from kaito_registry.digest import sha256
from tests.tuner.registry.adapters import write_adapter
from tuner.registry.image import ImageMetadata, build_image, build_layer


def test_layer_of_an_adapter_alone_tells_nothing_of_its_origin(tmp_path: Path) -> None:
    layer = build_layer(write_adapter(tmp_path / "adapter"), tmp_path / "layer")
    raw = gzip.decompress(layer.path.read_bytes())
    assert layer.digest == sha256(layer.path.read_bytes())
    assert layer.diff_id == sha256(raw)
    assert layer.size == layer.path.stat().st_size
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        entries = tar.getmembers()
        assert [entry.name for entry in entries] == [
            "data",
            "data/adapter_config.json",
            "data/adapter_model.safetensors",
        ]
        assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in entries} == {(0, 0, "", "", 0)}
        content = tar.extractfile("data/adapter_model.safetensors")
        assert content is not None
        assert content.read() == (tmp_path / "adapter/adapter_model.safetensors").read_bytes()


def test_layer_holds_the_card_and_the_summary(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    for name in ("README.md", "training_summary.json", "optimizer.pt"):
        (adapter / name).write_text(name)
    layer = build_layer(adapter, tmp_path / "layer")
    with tarfile.open(layer.path) as tar:
        assert [PurePosixPath(entry.name).name for entry in tar if entry.isfile()] == [
            "adapter_config.json",
            "adapter_model.safetensors",
            "README.md",
            "training_summary.json",
        ]


def test_same_adapter_gives_the_same_image(tmp_path: Path) -> None:
    images = [
        build_image(
            build_layer(write_adapter(tmp_path / name), tmp_path / f"{name}.layer"),
            ImageMetadata(architecture="amd64", annotations={"b": "2", "a": "1"}),
        )
        for name in ("one", "two")
    ]
    assert images[0].digest == images[1].digest
    assert images[0].manifest == images[1].manifest


def test_config_and_manifest_match(tmp_path: Path) -> None:
    layer = build_layer(write_adapter(tmp_path / "adapter"), tmp_path / "layer")
    image = build_image(
        layer,
        ImageMetadata(architecture="arm64", annotations={"sh.kaito.model.name": "phi"}),
    )
    config, manifest = json.loads(image.config), json.loads(image.manifest)
    assert config["architecture"] == "arm64"
    assert config["rootfs"] == {"type": "layers", "diff_ids": [layer.diff_id]}
    assert manifest["config"]["digest"] == sha256(image.config) == image.config_digest
    assert manifest["config"]["size"] == len(image.config)
    assert [(entry["digest"], entry["size"]) for entry in manifest["layers"]] == [
        (layer.digest, layer.size)
    ]
    assert manifest["annotations"] == {"sh.kaito.model.name": "phi"}
