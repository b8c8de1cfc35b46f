"""Keeps the loss over a run as a file to read and a picture to look at."""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tuner.results import LOSS_CURVE, LOSS_HISTORY, ResultsDirectory
from tuner.training.loss_history import LossPoint

logger = logging.getLogger(__name__)


def save_loss(
    results: ResultsDirectory, points: Sequence[LossPoint], title: str, *, picture: bool
) -> None:
    """Write loss.json, and with `picture` loss.png, over those of an earlier process.

    A failure is logged: the files are no reason to lose a finished training.
    """
    if not points:
        return
    try:
        _write_history(results.loss_history, points)
        if picture:
            _write_curve(results.loss_curve, points, title)
    except Exception as error:
        logger.warning("the loss is not kept in %s: %s", results.root, error, exc_info=True)


def add_loss_to_adapter(results: ResultsDirectory) -> None:
    """Copy both files beside the adapter, from where they go into its image.

    Without the times, so that the same training gives the same image.
    """
    try:
        history = json.loads(results.loss_history.read_bytes())
        for point in history["points"]:
            point.pop("time", None)
        (results.adapter / LOSS_HISTORY).write_text(_json(history))
        shutil.copyfile(results.loss_curve, results.adapter / LOSS_CURVE)
    except OSError as error:
        logger.warning("the image goes without the loss: %s", error)


def _write_history(path: Path, points: Sequence[LossPoint]) -> None:
    known = [
        {name: value for name, value in asdict(point).items() if value is not None}
        for point in points
    ]
    part = path.with_name(path.name + ".part")
    part.write_text(_json({"points": known}))
    part.replace(path)


def _write_curve(path: Path, points: Sequence[LossPoint], title: str) -> None:
    # Imported here because it takes a second, which only the end of a run has to spare.
    from tuner.training.loss_curve import draw_loss_curve

    part = path.with_name(path.name + ".part")
    draw_loss_curve(points, title).savefig(part, format="png", dpi=120)
    part.replace(path)


def _json(history: object) -> str:
    return json.dumps(history, indent=1) + "\n"
