"""One forward pass at a time, whichever thread wants it.

transformers writes `is_causal` into the model's shared configuration for the length of a forward
pass. A second pass beside it reads the wrong value, and may leave it behind for good: attention
then silently looks into the future.
"""

import threading
from typing import Any


def take_turns(model: Any) -> None:
    """Make every call of the model wait until the one before it has ended, also by an error."""
    turn = threading.Lock()

    def begin(*_: Any) -> None:
        turn.acquire()

    def end(*_: Any) -> None:
        turn.release()

    model.register_forward_pre_hook(begin)
    model.register_forward_hook(end, always_call=True)
