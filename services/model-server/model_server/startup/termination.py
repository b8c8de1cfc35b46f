"""The termination message: why the process ended, for the Workspace's status."""

import json
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from model_server.errors import EngineFailed, InferenceError

# Of torch's and this package's messages about memory of the GPU, the pod, or the KV cache.
_OUT_OF_MEMORY_TEXTS = ("out of memory", "does not fit")


class TerminationReason(StrEnum):
    """The reasons that this service writes.

    They are those of the Workspace's status. kaito_api is not part of this image; a contract test
    compares the names.
    """

    CONTAINER_CRASHED = "ContainerCrashed"
    MODEL_LOAD_FAILED = "ModelLoadFailed"
    OUT_OF_MEMORY = "OutOfMemory"


def write(path: Path, error: InferenceError) -> None:
    """Write the cause to the file that the kubelet reads, if there is one."""
    retryable = isinstance(error, EngineFailed)
    reason = (
        TerminationReason.CONTAINER_CRASHED if retryable else TerminationReason.MODEL_LOAD_FAILED
    )
    if any(text in error.message for text in _OUT_OF_MEMORY_TEXTS):
        reason = TerminationReason.OUT_OF_MEMORY
    message = json.dumps({"reason": reason, "message": error.message, "retryable": retryable})
    # Outside a pod there is no such file; the log has the cause as well.
    with suppress(OSError):
        path.write_text(message)
