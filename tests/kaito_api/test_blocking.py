import pytest

from kaito_api import condition_types as types
from kaito_api.blocking import blocking_condition
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason

NODES = true(types.NODES_READY, Reason.NODES_READY)
CREATING = unknown(types.MACHINE_READY, Reason.CREATING_NODES, "0 of 1")
LOADING = false(types.INFERENCE_READY, Reason.MODEL_LOADING, "")
CRASHED = false(types.INFERENCE_READY, Reason.CONTAINER_CRASHED, "exit code 1")
SKIPPED = unknown(types.DATA_CHECKED, Reason.DATA_CHECK_SKIPPED, "no room")


@pytest.mark.parametrize(
    ("conditions", "blocking"),
    [
        ((), None),
        ((NODES,), None),
        ((NODES, SKIPPED), None),
        ((CREATING, LOADING), CREATING),
        ((CREATING, CRASHED), CRASHED),
        ((SKIPPED, LOADING), LOADING),
    ],
    ids=["none", "all true", "skipped check", "first in progress", "failure first", "not skipped"],
)
def test_a_failure_blocks_before_what_is_in_progress(
    conditions: tuple[Condition, ...], blocking: Condition | None
) -> None:
    assert blocking_condition(conditions) == blocking
