"""Running out of memory in the training, with numbers: what was tried, and what would fit.

Also in an evaluation, which has tried half as much by itself, down to one example.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tuner.base_model.error_translation import is_out_of_memory, quote
from tuner.batching.less_memory import (
    MemoryLimit,
    describe_evaluation_shortage,
    describe_shortage,
    limit_below,
)
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.divided_evaluation import EvaluationShortage
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
    except EvaluationShortage as error:
        raise evaluation_shortage(
            error, built, 'set TrainingArguments.eval_strategy to "no", '
        ) from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryShortage(
            f"out of memory in step {built.trainer.state.global_step + 1}: "
            f"{describe_shortage(built.plan, built.inputs)}; otherwise use method qlora or a "
            f"larger resource.instanceType ({quote(error)})",
            limit_below(built.plan, options),
        ) from error


def evaluation_shortage(
    error: EvaluationShortage, built: BuiltTrainer, remedy: str = ""
) -> MemoryShortage:
    """`error` in words, with a `remedy` before the usual ones.

    There is nothing to retry: a smaller batch of the training has no effect on it.
    """
    return MemoryShortage(
        f"out of memory in the evaluation after step {built.trainer.state.global_step}: "
        f"{describe_evaluation_shortage(error.tokens, built.inputs)}; otherwise {remedy}use method "
        f"qlora or a larger resource.instanceType ({error.detail})",
        None,
    )
