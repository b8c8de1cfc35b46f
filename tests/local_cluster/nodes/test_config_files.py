"""Files that are written only when their content changes."""

import os
from pathlib import Path

import pytest

from tools.local_cluster.nodes import config_files


def test_file_is_created_with_its_folder(tmp_path: Path) -> None:
    config_files.write_if_changed(tmp_path / "a" / "b", "text")
    assert (tmp_path / "a" / "b").read_text() == "text"


@pytest.mark.parametrize(("text", "written"), [("as it was", False), ("other", True)])
def test_unchanged_content_is_not_written(tmp_path: Path, text: str, written: bool) -> None:
    path = tmp_path / "config"
    path.write_text("as it was")
    os.utime(path, (0, 0))
    config_files.write_if_changed(path, text)
    assert path.read_text() == text
    assert (path.stat().st_mtime != 0) is written
