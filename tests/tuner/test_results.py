"""The results directory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tuner.results import record_start

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_first_start_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "results" / "started.json"
    assert record_start(path, NOW) == NOW
    assert record_start(path, NOW + timedelta(hours=1)) == NOW
    path.write_text("broken")
    assert record_start(path, NOW + timedelta(hours=2)) == NOW + timedelta(hours=2)
