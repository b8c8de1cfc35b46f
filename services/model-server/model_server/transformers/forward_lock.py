"""Runs one forward pass of the model at a time, whichever thread starts it.

transformers writes `is_causal` into the model's shared configuration for the duration of a forward
pass. A second pass at the same time would read the wrong value, and could leave it behind for good:
attention would then silently look at future tokens.
"""

import threading
from typing import Any


def serialize_forward_passes(model: Any) -> threading.Lock:
    """Make every call of the model wait until the one before it has ended, even by an error.

    Returns the lock that is held while the model runs.
    """
    lock = threading.Lock()

    def acquire(*_: Any) -> None:
        lock.acquire()

    def release(*_: Any) -> None:
        lock.release()

    model.register_forward_pre_hook(acquire)
    # Without always_call a pass that raises would keep the lock.
    model.register_forward_hook(release, always_call=True)
    return lock
