"""Loads the training_config.yaml of a run. What it may hold is in libs/kaito_training."""

import logging
from importlib.resources import files
from pathlib import Path

from kaito_training import config
from kaito_training.errors import ConfigError
from kaito_training.sections import TrainingConfig
from kaito_training.serving import find_unserved
from tuner.config.errors import config_invalid
from tuner.settings import Method

logger = logging.getLogger(__name__)


def load_config(path: Path, method: Method) -> TrainingConfig:
    """The configuration at `path`, or the default of `method` if the file does not exist.

    Logs what in it has no effect.

    Raises:
        RunError: CONFIG_INVALID.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = default_config(method)
    except (OSError, UnicodeDecodeError) as error:
        raise config_invalid(f"it cannot be read: {error}") from error
    loaded = parse_config(text, method)
    for warning in loaded.warnings:
        logger.warning("training_config.yaml: %s", warning)
    # The controller refuses it where the Workspace serves the adapter; here nobody knows.
    if (unserved := find_unserved(loaded.lora)) is not None:
        logger.warning("training_config.yaml: no Workspace can serve the adapter: %s", unserved)
    return loaded


def default_config(method: Method) -> str:
    """The text of the default configuration of `method`."""
    return (files("tuner") / "templates" / f"{method.value}.yaml").read_text(encoding="utf-8")


def parse_config(text: str, method: Method) -> TrainingConfig:
    """Parse and validate the text of a training_config.yaml.

    Raises:
        RunError: CONFIG_INVALID.
    """
    try:
        return config.parse_config(text, method.value)
    except ConfigError as error:
        raise config_invalid(str(error)) from error
