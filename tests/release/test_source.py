"""A release is built from a commit."""

import subprocess
from pathlib import Path

import pytest

from tools.release.errors import ReleaseError
from tools.release.source import read_source


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.test")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True)

    (tmp_path / "file").write_text("one")
    git("init", "-q")
    git("add", "file")
    git("commit", "-q", "-m", "first", "--date=2026-01-01T00:00:00Z")
    return tmp_path


def test_commit_and_its_time_are_read(checkout: Path) -> None:
    source = read_source(checkout, allow_modified=False)
    assert len(source.commit) == 40
    assert not source.modified


def test_modified_checkout_is_refused_with_its_files(checkout: Path) -> None:
    (checkout / "file").write_text("two")
    with pytest.raises(ReleaseError, match=r"files differ from commit \w+: file: commit them"):
        read_source(checkout, allow_modified=False)
    assert read_source(checkout, allow_modified=True).modified
