"""Keeps the model's files on the node while this process runs with them.

Where the node keeps downloaded models for its next pods, the container that downloads removes those
that no pod uses. A shared lock says that one does; the kernel takes it back when the process ends.
"""

import fcntl
import logging
from io import FileIO
from pathlib import Path

logger = logging.getLogger(__name__)
# As in workspace_controller/model_cache.py.
IN_USE = ".kaito-in-use"


def hold_model(folder: Path) -> FileIO | None:
    """The lock, which lasts as long as the file is open; None for a model of this pod alone."""
    try:
        file = FileIO(folder / IN_USE)
    except FileNotFoundError:
        return None
    try:
        # Waits for a container that is about to remove it, if there is one.
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError as error:
        logger.warning("the node may remove the model's files while it is served: %s", error)
    return file
