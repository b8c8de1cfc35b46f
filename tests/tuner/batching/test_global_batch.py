"""The sequences of an update follow from the data and the options, never from the hardware."""

from typing import Any

import pytest

from tuner.batching.global_batch import global_batch


@pytest.mark.parametrize(
    ("sequences", "options", "expected"),
    [
        # Three epochs at 2e-4: every update is needed.
        (0, {}, 1),
        (120, {}, 1),
        (666, {}, 1),
        (667, {}, 2),
        (1400, {}, 4),
        (2667, {}, 8),
        (10**6, {}, 8),
        (2667, {"num_train_epochs": 1}, 2),
        # A higher learning rate needs fewer updates.
        (500, {"num_train_epochs": 1, "learning_rate": 2e-3}, 4),
        (500, {"num_train_epochs": 1, "learning_rate": 2e-4}, 1),
        # The user counts the updates.
        (10, {"max_steps": 50}, 8),
        # The user's own sizes.
        (10**6, {"per_device_train_batch_size": 1}, 1),
        (10**6, {"per_device_train_batch_size": 3}, 3),
        (10, {"gradient_accumulation_steps": 4}, 32),
        (10, {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}, 8),
    ],
)
def test_sequences_per_update(sequences: int, options: dict[str, Any], expected: int) -> None:
    assert global_batch(options, sequences) == expected
