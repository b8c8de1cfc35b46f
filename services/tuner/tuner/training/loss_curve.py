"""Draws the loss over a run."""

from collections.abc import Sequence
from statistics import fmean

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuner.training.loss_history import LossPoint

SIZE_INCHES = (8.0, 4.5)
# Points of the smoothed line: the mean of this share of all points around each.
SMOOTHED_SHARE = 0.05


def draw_loss_curve(points: Sequence[LossPoint], title: str) -> Figure:
    """The training loss, its mean over neighboring steps, and the loss on the rows held back."""
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    trained = [(point.step, point.loss) for point in points if point.loss is not None]
    evaluated = [(point.step, point.eval_loss) for point in points if point.eval_loss is not None]
    width = round(len(trained) * SMOOTHED_SHARE)
    if trained:
        steps, losses = zip(*trained, strict=True)
        marker = "o" if len(trained) == 1 else ""
        alpha = 0.35 if width > 1 else 1.0
        axes.plot(steps, losses, color="tab:blue", alpha=alpha, marker=marker, label="loss")
        if width > 1:
            axes.plot(steps, smoothed(losses, width), color="tab:blue", label="loss, mean")
    if evaluated:
        steps, losses = zip(*evaluated, strict=True)
        axes.plot(steps, losses, color="tab:orange", marker="o", label="loss on rows held back")
    axes.set(title=title, xlabel="step", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if trained or evaluated:
        axes.legend()
    return figure


def smoothed(losses: Sequence[float], width: int) -> list[float]:
    """For each loss the mean of those at most `width` before and after it.

    The first ones have fewer neighbors on both sides: there the loss falls too fast for a mean.
    """
    return [
        fmean(losses[max(0, index - width) : index + min(index, width) + 1])
        for index in range(len(losses))
    ]
