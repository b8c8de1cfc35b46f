"""Environment variables that the trackers' libraries read when they start."""

from collections.abc import MutableMapping
from pathlib import Path


def prepare_trackers(
    name: str, attempt: str, cache: Path, environ: MutableMapping[str, str]
) -> None:
    """Name the run, keep its files below `cache`, and upload neither models nor checkpoints.

    What the user sets stays, except for uploads: the adapter goes to its registry. `attempt`
    identifies the run over its restarts.
    """
    defaults = {
        "MLFLOW_RUN_NAME": name,
        # Without an answer its client tries for minutes, and values wait meanwhile.
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "WANDB_NAME": name,
        "WANDB_PROJECT": "kaito",
        "WANDB_DIR": str(cache),
        "WANDB_RUN_ID": attempt,
        "WANDB_RESUME": "allow",
        # It would write between our JSON log lines, and copy those.
        "WANDB_SILENT": "true",
        "WANDB_CONSOLE": "off",
    }
    for variable, value in defaults.items():
        environ.setdefault(variable, value)
    environ.update(WANDB_LOG_MODEL="false", WANDB_WATCH="false", HF_MLFLOW_LOG_ARTIFACTS="false")
