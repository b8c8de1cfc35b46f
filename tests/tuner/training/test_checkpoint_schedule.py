"""When checkpoints are due."""

import pytest

from tuner.training.checkpoint_schedule import CheckpointSchedule


@pytest.mark.parametrize(
    ("cost", "now", "due"),
    [(0.0, 104.0, False), (0.0, 105.0, True), (1.0, 149.0, False), (1.0, 150.0, True)],
    ids=["too soon", "after the interval", "still too costly", "cheap enough"],
)
def test_checkpoint_is_due(cost: float, now: float, due: bool) -> None:
    assert CheckpointSchedule(5.0, 100.0, cost).is_due(now) is due
