"""The last words of a container: one JSON object where the kubelet picks it up.

The kubelet keeps 4096 bytes at most and cuts the rest, which would leave broken JSON.
"""

import json
from pathlib import Path
from typing import Any

from tuner.errors import RunError

LIMIT_BYTES = 4095
Words = dict[str, Any]


def failure(trouble: RunError) -> Words:
    """What a failed container says."""
    return {
        "reason": trouble.reason.value,
        "message": trouble.message,
        "retryable": trouble.retryable,
    }


def render(words: Words) -> bytes:
    """`words` as JSON of fewer than 4096 bytes; a long `message` loses its end."""
    data = _json(words)
    if len(data) <= LIMIT_BYTES:
        return data
    message = str(words.get("message", ""))
    low, high = 0, len(message)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_json({**words, "message": message[:middle] + "…"})) <= LIMIT_BYTES:
            low = middle
        else:
            high = middle - 1
    return _json({**words, "message": message[:low] + "…"})


def write(path: Path, words: Words) -> None:
    """Writes `words` to `path`, in place: the kubelet mounts the file itself."""
    path.write_bytes(render(words))


def _json(words: Words) -> bytes:
    return json.dumps(words, ensure_ascii=False).encode()
