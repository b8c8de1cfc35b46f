"""The trainer's log as points of a curve."""

import math
from typing import Any

from tuner.training.loss_history import LossPoint, downsample, loss_history


def _entry(step: int, **measured: Any) -> dict[str, Any]:
    return {"step": step, "epoch": step / 10, **measured}


def test_points_have_all_that_was_measured_at_their_step() -> None:
    log = [
        _entry(1, loss=2.5, learning_rate=2e-4, grad_norm=0.5, num_input_tokens_seen=64, time="t1"),
        _entry(2, loss=2.0, learning_rate=1e-4, num_input_tokens_seen=128, time="t2"),
        _entry(2, eval_loss=2.25, num_input_tokens_seen=128, eval_runtime=0.5, time="t3"),
        _entry(2, train_loss=2.25, train_runtime=9.0),
    ]
    assert loss_history(log) == [
        LossPoint(
            step=1,
            epoch=0.1,
            loss=2.5,
            learning_rate=2e-4,
            gradient_norm=0.5,
            tokens=64,
            time="t1",
        ),
        LossPoint(
            step=2, epoch=0.2, loss=2.0, eval_loss=2.25, learning_rate=1e-4, tokens=128, time="t3"
        ),
    ]


def test_value_that_is_not_finite_is_left_out() -> None:
    log = [_entry(1, loss=math.nan, grad_norm=math.inf), _entry(2, loss=1.0, eval_loss=math.inf)]
    assert loss_history(log) == [
        LossPoint(step=1, epoch=0.1),
        LossPoint(step=2, epoch=0.2, loss=1.0),
    ]


def test_step_that_was_trained_twice_counts_once() -> None:
    log = [_entry(1, loss=3.0), _entry(2, loss=2.0), _entry(1, loss=2.5)]
    assert [(point.step, point.loss) for point in loss_history(log)] == [(1, 2.5), (2, 2.0)]


def test_long_run_keeps_its_shape_its_end_and_its_evaluations() -> None:
    log = [_entry(step, loss=5000 / step) for step in range(1, 100_001)]
    log += [_entry(step, eval_loss=float(step)) for step in (777, 100_000)]
    points = loss_history(log)
    assert 1000 < len(points) <= 2000
    assert points[0].loss is not None and points[0].loss > 100
    assert (points[-1].step, points[-1].eval_loss) == (100_000, 100_000.0)
    assert [p.eval_loss for p in points if p.eval_loss is not None] == [777.0, 100_000.0]
    steps = [point.step for point in points]
    assert steps == sorted(set(steps))


def test_merged_points_have_the_mean_loss() -> None:
    points = [LossPoint(step=step, loss=float(step)) for step in range(1, 6)]
    assert downsample(points, 5) == points
    assert downsample(points, 3) == [
        LossPoint(step=2, loss=1.5),
        LossPoint(step=4, loss=3.5),
        LossPoint(step=5, loss=5.0),
    ]
    assert downsample([LossPoint(step=1), LossPoint(step=2)], 1) == [LossPoint(step=2)]
