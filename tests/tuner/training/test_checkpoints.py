"""Which checkpoints are trusted."""

import json
from pathlib import Path

import pytest

from tuner.training.checkpoints import MARKER, mark_complete, newest_complete, read_plan


def _write(directory: Path, step: int, fingerprint: str | None = "mine") -> Path:
    folder = directory / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights %d" % step)
    (folder / "optimizer.pt").write_bytes(b"state")
    if fingerprint:
        mark_complete(folder, fingerprint, {"global_batch": 4})
    return folder


def test_newest_complete_checkpoint_is_chosen(tmp_path: Path) -> None:
    _write(tmp_path, 9)
    newest = _write(tmp_path, 100)
    _write(tmp_path, 200, None)
    _write(tmp_path, 150, "another run")
    assert newest_complete(tmp_path, "mine") == newest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-100", "checkpoint-9"]


@pytest.mark.parametrize("damage", ["cut", "altered", "gone", "bad marker", "empty marker"])
def test_broken_checkpoint_is_skipped(damage: str, tmp_path: Path) -> None:
    older, broken = _write(tmp_path, 1), _write(tmp_path, 2)
    target = broken / "optimizer.pt"
    if damage == "gone":
        target.unlink()
    elif "marker" in damage:
        (broken / MARKER).write_text("[]" if damage == "bad marker" else "")
    else:
        target.write_bytes(b"st" if damage == "cut" else b"stat3")
    assert newest_complete(tmp_path, "mine") == older


def test_a_checkpoint_names_the_plan_that_it_was_made_with(tmp_path: Path) -> None:
    folder = _write(tmp_path, 1)
    assert read_plan(folder) == {"global_batch": 4}


def test_a_checkpoint_of_an_earlier_release_names_none(tmp_path: Path) -> None:
    folder = _write(tmp_path, 1)
    marker = json.loads((folder / MARKER).read_bytes())
    del marker["plan"]
    (folder / MARKER).write_text(json.dumps(marker))
    assert newest_complete(tmp_path, "mine") == folder
    assert read_plan(folder) is None


def test_missing_directory_has_no_checkpoint(tmp_path: Path) -> None:
    assert newest_complete(tmp_path / "absent", "mine") is None
