"""Starts the trackers of a run."""

import importlib
import importlib.util
import logging
from collections.abc import Mapping
from functools import partial

from transformers import TrainerCallback
from transformers.integrations import get_reporting_integration_callbacks

from tuner.tracking.background import BackgroundTracker, Trackers
from tuner.tracking.secrets import without_secrets
from tuner.tracking.selection import select_trackers

logger = logging.getLogger(__name__)


def start_trackers(environ: Mapping[str, str]) -> Trackers:
    """Start a thread for each tracker that `environ` enables; close them after the training."""
    selection = select_trackers(environ, _is_installed)
    for warning in selection.warnings:
        logger.warning("%s", warning)
    for tracker in selection.trackers:
        logger.info("reporting to %s", tracker.title)
    return Trackers(
        [
            BackgroundTracker(
                tracker.title,
                create=partial(_create, tracker.name),
                finish=partial(_finish, tracker.name),
                redact=partial(without_secrets, environ=environ),
            )
            for tracker in selection.trackers
        ]
    )


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _create(name: str) -> TrainerCallback:
    (callback,) = get_reporting_integration_callbacks([name])
    return callback()


def _finish(name: str) -> None:
    """Send what the library still holds: this process does not run its exit handlers."""
    if name == "wandb":
        importlib.import_module("wandb").finish()
    elif name == "mlflow":
        importlib.import_module("mlflow").flush_async_logging()
