"""Errors of torch and the libraries on top of it, as the user sees them."""

from contextlib import AbstractContextManager
from typing import Any

import jinja2
import pytest
import torch
from safetensors import SafetensorError

from tuner.base_model.error_translation import load_errors, out_of_memory_errors, setup_errors
from tuner.errors import RunError
from tuner.reasons import Reason


@pytest.mark.parametrize(
    ("around", "error", "reason"),
    [
        (
            out_of_memory_errors(),
            torch.OutOfMemoryError("CUDA out of memory"),
            Reason.OUT_OF_MEMORY,
        ),
        (out_of_memory_errors(), MemoryError(), Reason.OUT_OF_MEMORY),
        (
            out_of_memory_errors(),
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
            Reason.OUT_OF_MEMORY,
        ),
        (load_errors("/m"), OSError("no config"), Reason.MODEL_LOAD_FAILED),
        (load_errors("/m"), SafetensorError("HeaderTooLarge"), Reason.MODEL_LOAD_FAILED),
        (load_errors("/m"), RuntimeError("size mismatch"), Reason.MODEL_LOAD_FAILED),
        (load_errors("/m"), torch.OutOfMemoryError("CUDA out of memory"), Reason.OUT_OF_MEMORY),
        (setup_errors(), ValueError("Target modules"), Reason.CONFIG_INVALID),
        (setup_errors(), jinja2.TemplateError("roles must alternate"), Reason.TRAINING_FAILED),
        (setup_errors(), MemoryError(), Reason.OUT_OF_MEMORY),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_error_is_translated(
    around: AbstractContextManager[Any], error: Exception, reason: Reason
) -> None:
    with pytest.raises(RunError) as caught, around:
        raise error
    assert caught.value.reason is reason
    assert caught.value.__cause__ is error or reason is Reason.OUT_OF_MEMORY


def test_other_errors_pass_through() -> None:
    with pytest.raises(RuntimeError, match="a bug"), out_of_memory_errors():
        raise RuntimeError("a bug")


def test_message_names_the_remedy() -> None:
    remedies = r"per_device_train_batch_size.*qlora.*instanceType"
    with pytest.raises(RunError, match=remedies), out_of_memory_errors():
        raise torch.OutOfMemoryError("CUDA out of memory")
