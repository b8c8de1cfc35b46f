"""SHA256SUMS says whether a folder still holds what was written."""

import subprocess
from pathlib import Path

import pytest

from tools.release import checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("images/b.tar", "a.tgz"):
        (tmp_path / name).write_text(name)
    sums = checksums.digests(tmp_path, [tmp_path / "images/b.tar", tmp_path / "a.tgz"])
    (tmp_path / checksums.FILE).write_text(checksums.render(sums))
    return tmp_path


def test_sha256sum_reads_the_file(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", checksums.FILE], cwd=folder, check=True)


def test_text_survives_parsing(folder: Path) -> None:
    text = (folder / checksums.FILE).read_text()
    assert checksums.render(checksums.parse(text)) == text
    assert list(checksums.parse(text)) == ["a.tgz", "images/b.tar"]


def test_untouched_folder_has_no_mismatch(folder: Path) -> None:
    assert checksums.mismatches(folder) == []


def test_changed_and_missing_files_are_named(folder: Path) -> None:
    (folder / "a.tgz").write_text("changed")
    (folder / "images/b.tar").unlink()
    assert checksums.mismatches(folder) == ["a.tgz", "images/b.tar"]
