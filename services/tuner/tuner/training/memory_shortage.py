"""Running out of memory in the training, with numbers: what was tried, and what would fit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tuner.base_model.error_translation import is_out_of_memory, quote
from tuner.batching.less_memory import MemoryLimit, describe_shortage, limit_below
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.trainer import BuiltTrainer


class MemoryShortage(RunError):
    """OUT_OF_MEMORY in the training. `retry` is what to try next; None if there is nothing."""

    def __init__(self, message: str, retry: MemoryLimit | None) -> None:
        super().__init__(Reason.OUT_OF_MEMORY, message)
        self.retry = retry


@contextmanager
def memory_shortages(built: BuiltTrainer, options: Mapping[str, Any]) -> Iterator[None]:
    """Translate the errors of running out of memory in the training that `built` does.

    `options` are the user's TrainingArguments.

    Raises:
        MemoryShortage: it ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryShortage(
            f"out of memory in step {built.trainer.state.global_step + 1}: "
            f"{describe_shortage(built.plan, built.inputs)}; otherwise use method qlora or a "
            f"larger resource.instanceType ({quote(error)})",
            limit_below(built.plan, options),
        ) from error
