"""The summary of a training, and the fingerprint of its inputs."""

from pathlib import Path

import pytest

from tests.tuner.summaries import SUMMARY
from tuner.summary import fingerprint, read_summary, write_summary


def test_summary_is_read_back_unchanged(tmp_path: Path) -> None:
    write_summary(tmp_path / "s", SUMMARY)
    assert read_summary(tmp_path / "s") == SUMMARY
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"fingerprint": 1, "other": 2}'])
def test_unreadable_summary_counts_as_missing(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "s").write_text(content)
    assert read_summary(tmp_path / "s") is None


def test_fingerprint_keeps_its_parts_apart() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("a", "b") == fingerprint("a", "b")
