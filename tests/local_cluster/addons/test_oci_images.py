"""An image of one file, as registries and containerd want it."""

import gzip
import hashlib
import io
import json
import tarfile

from tools.local_cluster.addons import oci_images

IMAGE = oci_images.from_program("pause", b"\x7fELF", ["-P"])


def test_the_manifest_names_its_parts_by_digest() -> None:
    manifest = json.loads(IMAGE.manifest.data)
    digest = hashlib.sha256(IMAGE.layer.data).hexdigest()
    assert manifest["layers"][0]["digest"] == f"sha256:{digest}"
    assert manifest["config"]["size"] == len(IMAGE.config.data)


def test_the_configuration_names_the_layer_unpacked() -> None:
    config = json.loads(IMAGE.config.data)
    unpacked = gzip.decompress(IMAGE.layer.data)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/pause", "-P"]


def test_the_program_can_be_run() -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(IMAGE.layer.data))) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.mode) == ("pause", 0o755)


def test_the_same_program_makes_the_same_image() -> None:
    again = oci_images.from_program("pause", b"\x7fELF", ["-P"])
    assert again.manifest.digest == IMAGE.manifest.digest
