"""Archives of OCI layouts."""

import json
import tarfile
from pathlib import Path

import pytest

from tools.release import oci
from tools.release.errors import ReleaseError


def _layout(folder: Path, digests: list[str]) -> Path:
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "blobs" / "sha256" / "0a").write_bytes(b"layer")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"manifests": [{"digest": digest} for digest in digests]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def test_digest_is_that_of_the_manifest(tmp_path: Path) -> None:
    assert oci.manifest_digest(_layout(tmp_path, ["sha256:1"])) == "sha256:1"


@pytest.mark.parametrize("digests", [[], ["sha256:1", "sha256:2"]])
def test_layout_without_exactly_one_image_is_refused(tmp_path: Path, digests: list[str]) -> None:
    with pytest.raises(ReleaseError, match="not one"):
        oci.manifest_digest(_layout(tmp_path, digests))


def test_archive_is_the_same_wherever_and_whenever_it_is_packed(tmp_path: Path) -> None:
    archives = []
    for name in ("one", "two"):
        layout = _layout(tmp_path / name, ["sha256:1"])
        oci.pack(layout, tmp_path / f"{name}.tar", mtime=5)
        archives.append((tmp_path / f"{name}.tar").read_bytes())
    assert archives[0] == archives[1]
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["blobs/sha256/0a", "index.json", "oci-layout"]
        assert {member.mtime for member in tar} == {5}
