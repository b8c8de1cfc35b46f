"""Translates the errors of torch and the libraries on top of it into RunError.

torch.OutOfMemoryError, MemoryError, "can't allocate memory"  → OUT_OF_MEMORY
while loading: OSError, ValueError, SafetensorError, …        → MODEL_LOAD_FAILED
while setting up: ValueError, TypeError                       → CONFIG_INVALID
jinja2.TemplateError, anything else while training            → TRAINING_FAILED
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jinja2
import torch

from tuner.config.errors import config_invalid
from tuner.errors import RunError
from tuner.reasons import Reason

# In plain RuntimeErrors of the CPU allocator, of CUDA and of cuBLAS, which have no class of their
# own for it.
OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
# Some libraries put whole stack traces and tensors into their messages.
MAX_QUOTED_CHARACTERS = 600
# Where it ran out before the first batch, no batch is too large.
LOAD_REMEDY = (
    "use method qlora, a smaller preset, or a larger resource.instanceType: there is no room for "
    "the model itself"
)
TRAIN_REMEDY = (
    "lower per_device_train_batch_size or max_length in training_config.yaml, use method qlora, or "
    "choose a larger resource.instanceType"
)


@contextmanager
def load_errors(path: str) -> Iterator[None]:
    """Translate the errors of loading the model at `path`.

    Raises:
        RunError: MODEL_LOAD_FAILED or OUT_OF_MEMORY.
    """
    with out_of_memory_errors(LOAD_REMEDY):
        try:
            yield
        except (RunError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise RunError(
                Reason.MODEL_LOAD_FAILED,
                f"the model at {path} cannot be loaded: {quote(error)}; check that the preset's "
                "model image is complete and works with this version of transformers",
            ) from error


@contextmanager
def setup_errors() -> Iterator[None]:
    """Translate the errors of building the trainer, when the libraries check their arguments.

    Raises:
        RunError: TRAINING_FAILED, CONFIG_INVALID or OUT_OF_MEMORY.
    """
    with out_of_memory_errors():
        try:
            yield
        except jinja2.TemplateError as error:
            raise RunError(
                Reason.TRAINING_FAILED,
                f"the model's chat template refuses a conversation of the data: {error}; change "
                "the data, or set ModelConfig.chat_template in training_config.yaml",
            ) from error
        except (ValueError, TypeError) as error:
            raise config_invalid(quote(error)) from error


@contextmanager
def out_of_memory_errors(remedy: str = TRAIN_REMEDY) -> Iterator[None]:
    """Translate the errors of running out of memory; all others pass through.

    Raises:
        RunError: OUT_OF_MEMORY.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            Reason.OUT_OF_MEMORY,
            f"out of memory: {quote(error)}; {remedy}",
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library has run out of memory, of the GPU or of the host."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in OUT_OF_MEMORY_TEXTS
    )


def quote(error: Exception) -> str:
    """The class and the first line of a library's `error`, shortened."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:MAX_QUOTED_CHARACTERS]
