"""The container's termination message: one JSON object in the file that the kubelet reads.

The kubelet keeps at most 4096 bytes and cuts off the rest, which would leave broken JSON.
"""

import json
from pathlib import Path
from typing import Any

from tuner.errors import RunError

MAX_BYTES = 4095
TerminationMessage = dict[str, Any]


def failure_message(error: RunError) -> TerminationMessage:
    """The termination message of a failed container."""
    message = {
        "reason": error.reason.value,
        "message": error.message,
        "retryable": error.retryable,
    }
    return message if error.data is None else {**message, "data": dict(error.data)}


def render(message: TerminationMessage) -> bytes:
    """`message` as JSON of less than 4096 bytes; a long text in it is truncated at its end."""
    data = _json(message)
    if len(data) <= MAX_BYTES:
        return data
    text = str(message.get("message", ""))
    # Bisect: how many bytes a character takes in JSON depends on the character.
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_json({**message, "message": text[:middle] + "…"})) <= MAX_BYTES:
            low = middle
        else:
            high = middle - 1
    return _json({**message, "message": text[:low] + "…"})


def write(path: Path, message: TerminationMessage) -> None:
    """Write `message` in place: the kubelet mounts the file itself, so it cannot be replaced."""
    path.write_bytes(render(message))


def _json(message: TerminationMessage) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
