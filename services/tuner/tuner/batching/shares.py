"""Divides each update among the processes of a training. Pure.

An update has the same examples whatever the number of processes, so the training gives the same
result, up to the rounding of sums.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tuner.batching.execution_plan import ExecutionPlan


def spread(plan: ExecutionPlan, processes: int) -> ExecutionPlan:
    """`plan` for that many processes: each computes its share of every update.

    No process computes more at a time than it would alone.
    """
    share = math.ceil(plan.global_batch / processes)
    accumulation = math.ceil(share / plan.micro_batch)
    return replace(
        plan,
        processes=processes,
        micro_batch=math.ceil(share / accumulation),
        accumulation=accumulation,
    )


def steps_per_epoch(plan: ExecutionPlan, sequences: int) -> int:
    """How many batches each process computes an epoch."""
    updates, rest = divmod(sequences, plan.global_batch)
    return updates * plan.accumulation + _steps(plan, rest)


def share(order: Sequence[int], plan: ExecutionPlan, rank: int) -> Iterator[list[int]]:
    """The batches of the process `rank` in an epoch whose sequences come in that `order`.

    All processes have as many batches as each other. A batch is empty where an update has fewer
    sequences than there are processes.
    """
    for start in range(0, len(order), plan.global_batch):
        update = order[start : start + plan.global_batch]
        parts = _steps(plan, len(update)) * plan.processes
        for part in range(rank, parts, plan.processes):
            first, end = (len(update) * border // parts for border in (part, part + 1))
            yield list(update[first:end])


def _steps(plan: ExecutionPlan, sequences: int) -> int:
    return math.ceil(sequences / (plan.micro_batch * plan.processes))
