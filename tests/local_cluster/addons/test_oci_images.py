"""Single-file images, in the format that registries and containerd require."""

import gzip
import hashlib
import io
import json
import tarfile

from tools.local_cluster.addons import oci_images

IMAGE = oci_images.from_program("pause", b"\x7fELF", ["-P"])


def test_manifest_refers_to_blobs_by_digest() -> None:
    manifest = json.loads(IMAGE.manifest.data)
    digest = hashlib.sha256(IMAGE.layer.data).hexdigest()
    assert manifest["layers"][0]["digest"] == f"sha256:{digest}"
    assert manifest["config"]["size"] == len(IMAGE.config.data)


def test_config_refers_to_the_uncompressed_layer() -> None:
    config = json.loads(IMAGE.config.data)
    unpacked = gzip.decompress(IMAGE.layer.data)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/pause", "-P"]


def test_program_is_executable() -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(IMAGE.layer.data))) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.mode) == ("pause", 0o755)


def test_same_program_gives_same_image() -> None:
    again = oci_images.from_program("pause", b"\x7fELF", ["-P"])
    assert again.manifest.digest == IMAGE.manifest.digest
