"""What goes wrong in torch and the libraries over it → RunError.

torch.OutOfMemoryError, MemoryError, "can't allocate memory"  → OUT_OF_MEMORY
while loading: OSError, ValueError, SafetensorError, …        → MODEL_LOAD_FAILED
while setting up: ValueError, TypeError                       → CONFIG_INVALID
jinja2.TemplateError, anything else while training            → TRAINING_FAILED
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jinja2
import torch

from tuner.config.typed import invalid
from tuner.errors import RunError
from tuner.reasons import Reason

OUT_OF_MEMORY_WORDS = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@contextmanager
def loading(where: str) -> Iterator[None]:
    """Around the loading of the model at `where`."""
    with out_of_memory():
        try:
            yield
        except (RunError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if _is_out_of_memory(error):
                raise
            raise RunError(
                Reason.MODEL_LOAD_FAILED,
                f"the model at {where} cannot be loaded: {_first_line(error)}; check that the "
                "preset's model image is complete and fits this version of transformers",
            ) from error


@contextmanager
def setting_up() -> Iterator[None]:
    """Around the building of the trainer, where the libraries check what they are given."""
    with out_of_memory():
        try:
            yield
        except jinja2.TemplateError as error:
            raise RunError(
                Reason.TRAINING_FAILED,
                f"the model's chat template refuses a conversation of the data: {error}; change "
                "the data, or set ModelConfig.chat_template in training_config.yaml",
            ) from error
        except (ValueError, TypeError) as error:
            raise invalid(_first_line(error)) from error


@contextmanager
def out_of_memory() -> Iterator[None]:
    """Around everything that needs much memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise RunError(
            Reason.OUT_OF_MEMORY,
            f"memory ran out: {_first_line(error)}; lower per_device_train_batch_size or "
            "max_length in training_config.yaml, use method qlora, or choose a larger "
            "resource.instanceType",
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        word in str(error) for word in OUT_OF_MEMORY_WORDS
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:600]
