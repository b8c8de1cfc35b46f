"""Errors of torch and its friends, as the user hears of them."""

from contextlib import AbstractContextManager
from typing import Any

import jinja2
import pytest
import torch
from safetensors import SafetensorError

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.failures import loading, out_of_memory, setting_up


@pytest.mark.parametrize(
    ("around", "error", "reason"),
    [
        (out_of_memory(), torch.OutOfMemoryError("CUDA out of memory"), Reason.OUT_OF_MEMORY),
        (out_of_memory(), MemoryError(), Reason.OUT_OF_MEMORY),
        (
            out_of_memory(),
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
            Reason.OUT_OF_MEMORY,
        ),
        (loading("/m"), OSError("no config"), Reason.MODEL_LOAD_FAILED),
        (loading("/m"), SafetensorError("HeaderTooLarge"), Reason.MODEL_LOAD_FAILED),
        (loading("/m"), RuntimeError("size mismatch"), Reason.MODEL_LOAD_FAILED),
        (loading("/m"), torch.OutOfMemoryError("CUDA out of memory"), Reason.OUT_OF_MEMORY),
        (setting_up(), ValueError("Target modules"), Reason.CONFIG_INVALID),
        (setting_up(), jinja2.TemplateError("roles must alternate"), Reason.TRAINING_FAILED),
        (setting_up(), MemoryError(), Reason.OUT_OF_MEMORY),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_translated(around: AbstractContextManager[Any], error: Exception, reason: Reason) -> None:
    with pytest.raises(RunError) as caught, around:
        raise error
    assert caught.value.reason is reason
    assert caught.value.__cause__ is error or reason is Reason.OUT_OF_MEMORY


def test_bugs_pass_through() -> None:
    with pytest.raises(RuntimeError, match="a bug"), out_of_memory():
        raise RuntimeError("a bug")


def test_the_remedy_is_said() -> None:
    remedies = r"per_device_train_batch_size.*qlora.*instanceType"
    with pytest.raises(RunError, match=remedies), out_of_memory():
        raise torch.OutOfMemoryError("CUDA out of memory")
