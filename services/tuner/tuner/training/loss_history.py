"""The loss over a run, as points of a curve. Pure.

The trainer keeps its log in each checkpoint. So the history of a run that was interrupted is whole,
and has each step once: what was logged after the checkpoint is trained, and logged, again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

# The key under which ProgressCallback adds the time to an entry of the trainer's log.
TIME = "time"
# As TRL names them in it.
REWARD_ACCURACY, REWARD_MARGIN = "rewards/accuracies", "rewards/margins"
# About the width of a screen; more would only make the files larger.
MAX_POINTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPoint:
    """What was measured at one step; None where it was not. `tokens` counts from the beginning."""

    step: int
    epoch: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    reward_accuracy: float | None = None
    reward_margin: float | None = None
    tokens: int | None = None
    time: str | None = None


def loss_history(log: Iterable[Mapping[str, Any]], most: int = MAX_POINTS) -> list[LossPoint]:
    """The points of the trainer's `log`, by step, at most `most`."""
    points: dict[int, LossPoint] = {}
    for entry in log:
        if "loss" not in entry and "eval_loss" not in entry:
            continue
        point = points.get(entry["step"], LossPoint(step=entry["step"]))
        points[point.step] = replace(point, **_measured(entry))
    return downsample([points[step] for step in sorted(points)], most)


def downsample(points: Sequence[LossPoint], most: int) -> list[LossPoint]:
    """At most `most` points, each for as many neighbors: their mean loss at their last step."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / most)
    return [_merged(points[start : start + size]) for start in range(0, len(points), size)]


def _merged(points: Sequence[LossPoint]) -> LossPoint:
    losses = [point.loss for point in points if point.loss is not None]
    evaluations = [point.eval_loss for point in points if point.eval_loss is not None]
    return replace(
        points[-1],
        loss=fmean(losses) if losses else None,
        eval_loss=evaluations[-1] if evaluations else None,
    )


def _measured(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "epoch": _finite(entry.get("epoch")),
        "loss": _finite(entry.get("loss")),
        "eval_loss": _finite(entry.get("eval_loss")),
        "learning_rate": _finite(entry.get("learning_rate")),
        "gradient_norm": _finite(entry.get("grad_norm")),
        "reward_accuracy": _finite(entry.get(REWARD_ACCURACY)),
        "reward_margin": _finite(entry.get(REWARD_MARGIN)),
        "tokens": entry.get("num_input_tokens_seen"),
        "time": entry.get(TIME),
    }
    return {name: value for name, value in found.items() if value is not None}


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None
