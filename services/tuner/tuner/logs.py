"""JSON logs on stdout, each line with the workspace it is about."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

QUIET = ("httpx2", "httpcore2", "urllib3", "filelock", "fsspec", "asyncio", "matplotlib")


def set_up(workspace: str) -> None:
    """Sends every logger of the process to stdout; `workspace` is "<namespace>/<name>"."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"workspace": workspace},
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
