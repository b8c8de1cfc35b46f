"""How far the pods of a workload are, by its status."""

import pytest

from workspace_controller.plan.serving.workload_state import WorkloadState, workload_state


@pytest.mark.parametrize(
    ("status", "failing", "expected"),
    [
        ({}, False, WorkloadState.STARTING),
        ({}, True, WorkloadState.FAILED),
        ({"readyReplicas": 1, "updatedReplicas": 1, "replicas": 1}, False, WorkloadState.COMPLETE),
        ({"readyReplicas": 1, "updatedReplicas": 0, "replicas": 1}, False, WorkloadState.ANSWERING),
        ({"readyReplicas": 1, "updatedReplicas": 1, "replicas": 2}, False, WorkloadState.ANSWERING),
        ({"readyReplicas": 1, "updatedReplicas": 1, "replicas": 2}, True, WorkloadState.ANSWERING),
        ({"readyReplicas": 0, "updatedReplicas": 1, "replicas": 1}, False, WorkloadState.STARTING),
        ({"readyReplicas": 0, "updatedReplicas": 1, "replicas": 1}, True, WorkloadState.FAILED),
        (
            {"readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1},
            False,
            WorkloadState.UNOBSERVED,
        ),
    ],
    ids=[
        "no pod",
        "no pod can be made",
        "ready",
        "the old pod answers, the new one is not made",
        "the old pod answers, the new one starts",
        "the old pod answers, the new one fails",
        "the new pod starts",
        "the new pod fails",
        "status of the previous generation",
    ],
)
def test_state_follows_the_status(
    status: dict[str, int], failing: bool, expected: WorkloadState
) -> None:
    workload = {
        "metadata": {"generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, **status},
    }
    assert workload_state(workload, failing=failing) is expected
