"""Unusable data is remembered, for a while and by the same pod."""

from pathlib import Path

import pytest

from tuner.data.unusable_data import remembering_unusable_data
from tuner.errors import RunError
from tuner.reasons import Reason

BROKEN = RunError(Reason.DATA_UNREADABLE, "train.parquet is a web page")
MISSING = RunError(Reason.DATA_UNREACHABLE, "404", retryable=False)
HOUR = 3600.0


def fetch(directory: Path, pod: str, now: float, failure: RunError | None = None) -> None:
    with remembering_unusable_data(directory, pod, now):
        if failure is not None:
            raise failure


@pytest.mark.parametrize(
    ("failure", "pod", "now", "remembered"),
    [
        (BROKEN, "pod-1", HOUR + 300, True),
        (BROKEN, "pod-1", 2 * HOUR, False),
        (BROKEN, "pod-2", HOUR + 300, False),
        (MISSING, "pod-1", HOUR + 300, False),
    ],
    ids=["restart", "an hour later", "another pod", "nothing was fetched"],
)
def test_failure_is_remembered(
    failure: RunError, pod: str, now: float, remembered: bool, tmp_path: Path
) -> None:
    with pytest.raises(RunError):
        fetch(tmp_path, "pod-1", HOUR, failure)
    if remembered:
        with pytest.raises(RunError, match="is a web page"):
            fetch(tmp_path, pod, now)
    else:
        fetch(tmp_path, pod, now)


def test_nothing_is_remembered_outside_a_pod(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        fetch(tmp_path, "", HOUR, BROKEN)
    fetch(tmp_path, "", HOUR)
    assert not list(tmp_path.iterdir())
