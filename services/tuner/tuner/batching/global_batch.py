"""How many sequences each update of the weights learns from. Pure.

The number depends on the data and on the options alone, so that a training gives the same result
whatever the hardware: the hardware decides only how many of them are computed at a time.
"""

import math
from collections.abc import Mapping
from typing import Any

from tuner.training_defaults import SFT_DEFAULTS, with_defaults

LARGEST = 8
# Adam moves a weight by about the learning rate in each update. A run whose updates move it by less
# than this in all, twice what LoRA's matrices start from, stays short of what it could learn: it
# gets more updates, of fewer examples each.
ENOUGH_MOVEMENT = 0.2
_BATCH_OPTIONS = ("per_device_train_batch_size", "gradient_accumulation_steps")


def global_batch(options: Mapping[str, Any], sequences: int, *, preferences: bool = False) -> int:
    """Sequences per update, for `sequences` per epoch and the user's TrainingArguments.

    What the user sets applies. Otherwise it is a power of two, the largest that leaves the weights
    enough movement. A training on `preferences` is to move them little: a pair says less than an
    answer, so its updates are as large as may be.
    """
    if any(name in options for name in _BATCH_OPTIONS):
        return math.prod(options.get(name, SFT_DEFAULTS[name]) for name in _BATCH_OPTIONS)
    chosen = with_defaults(options)
    if chosen["max_steps"] > 0 or preferences:
        return LARGEST
    updates = sequences * chosen["num_train_epochs"]
    room = updates * chosen["learning_rate"] / ENOUGH_MOVEMENT
    batch = LARGEST
    while batch > 1 and batch > room:
        batch //= 2
    return batch
