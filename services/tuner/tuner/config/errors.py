"""The error of a training_config.yaml as the end of a run."""

from tuner.errors import RunError
from tuner.reasons import Reason


def config_invalid(message: str) -> RunError:
    """A RunError(CONFIG_INVALID) that names the file."""
    return RunError(Reason.CONFIG_INVALID, f"training_config.yaml: {message}")
