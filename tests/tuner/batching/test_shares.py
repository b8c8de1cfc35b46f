"""How the processes of a training share each update."""

import itertools

import pytest

from tuner.batching.execution_plan import ExecutionPlan, Layout
from tuner.batching.shares import share, spread, steps_per_epoch


def made(batch: int, micro: int) -> ExecutionPlan:
    return ExecutionPlan(
        layout=Layout.ROWS,
        global_batch=batch,
        micro_batch=micro,
        accumulation=batch // micro,
        checkpointing=False,
        optimizer="adamw_torch_fused",
        sampling="random",
        attention="sdpa",
    )


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "at_a_time", "accumulation"),
    [
        (8, 8, 1, 8, 1),
        (8, 8, 2, 4, 1),
        (8, 2, 2, 2, 2),
        (8, 1, 4, 1, 2),
        (8, 8, 3, 3, 1),
        (8, 2, 3, 2, 2),
        (5, 5, 4, 2, 1),
        (2, 2, 8, 1, 1),
        (64, 16, 8, 8, 1),
    ],
)
def test_each_process_gets_its_share(
    batch: int, micro: int, processes: int, at_a_time: int, accumulation: int
) -> None:
    plan = spread(made(batch, micro), processes)
    assert (plan.micro_batch, plan.accumulation) == (at_a_time, accumulation)
    assert (plan.global_batch, plan.processes) == (batch, processes)


@pytest.mark.parametrize("sequences", [1, 5, 8, 13, 24, 25])
@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize(("batch", "micro"), [(8, 8), (8, 1), (5, 2), (1, 1)])
def test_an_update_has_the_same_sequences_on_any_number_of_processes(
    batch: int, micro: int, processes: int, sequences: int
) -> None:
    plan = spread(made(batch, micro), processes)
    order = [7 * index % 101 for index in range(sequences)]
    batches = [list(share(order, plan, rank)) for rank in range(processes)]
    # All processes take each step together, or one would wait for ever.
    assert {len(each) for each in batches} == {steps_per_epoch(plan, sequences)}
    assert all(len(batch) <= plan.micro_batch for each in batches for batch in each)
    steps = [sorted(itertools.chain(*step)) for step in zip(*batches, strict=True)]
    for number, first in enumerate(range(0, sequences, batch)):
        taken = steps[number * plan.accumulation : (number + 1) * plan.accumulation]
        assert sorted(itertools.chain(*taken)) == sorted(order[first : first + batch])
