"""What a run leaves, and what the next process makes of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tuner.test_main import SUMMARY
from tuner.results import fingerprint, first_start, read_summary, write_summary

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_the_summary_comes_back(tmp_path: Path) -> None:
    write_summary(tmp_path / "s", SUMMARY)
    assert read_summary(tmp_path / "s") == SUMMARY
    assert [one.name for one in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"fingerprint": 1, "other": 2}'])
def test_no_summary(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "s").write_text(content)
    assert read_summary(tmp_path / "s") is None


def test_the_first_start_counts(tmp_path: Path) -> None:
    path = tmp_path / "results" / "started.json"
    assert first_start(path, NOW) == NOW
    assert first_start(path, NOW + timedelta(hours=1)) == NOW
    path.write_text("broken")
    assert first_start(path, NOW + timedelta(hours=2)) == NOW + timedelta(hours=2)


def test_fingerprints_do_not_run_together() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("a", "b") == fingerprint("a", "b")
