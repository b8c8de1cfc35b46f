"""When checkpoints are written, and which are trusted."""

from pathlib import Path

import pytest

from tuner.training.checkpoints import MARKER, Cadence, mark_complete, newest_complete


@pytest.mark.parametrize(
    ("cost", "now", "due"),
    [(0.0, 104.0, False), (0.0, 105.0, True), (1.0, 149.0, False), (1.0, 150.0, True)],
    ids=["too soon", "after the shortest", "still too costly", "cheap enough by now"],
)
def test_cadence(cost: float, now: float, due: bool) -> None:
    assert Cadence(5.0, 100.0, cost).due(now) is due


def _write(directory: Path, step: int, fingerprint: str | None = "mine") -> Path:
    folder = directory / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights %d" % step)
    (folder / "optimizer.pt").write_bytes(b"state")
    if fingerprint:
        mark_complete(folder, fingerprint)
    return folder


def test_the_newest_complete_one(tmp_path: Path) -> None:
    _write(tmp_path, 9)
    newest = _write(tmp_path, 100)
    _write(tmp_path, 200, None)
    _write(tmp_path, 150, "another run")
    assert newest_complete(tmp_path, "mine") == newest
    assert sorted(one.name for one in tmp_path.iterdir()) == ["checkpoint-100", "checkpoint-9"]


@pytest.mark.parametrize("harm", ["cut", "altered", "gone", "bad marker", "empty marker"])
def test_a_broken_one_is_passed_over(harm: str, tmp_path: Path) -> None:
    older, broken = _write(tmp_path, 1), _write(tmp_path, 2)
    target = broken / "optimizer.pt"
    if harm == "gone":
        target.unlink()
    elif "marker" in harm:
        (broken / MARKER).write_text("[]" if harm == "bad marker" else "")
    else:
        target.write_bytes(b"st" if harm == "cut" else b"stat3")
    assert newest_complete(tmp_path, "mine") == older


def test_none(tmp_path: Path) -> None:
    assert newest_complete(tmp_path / "absent", "mine") is None
