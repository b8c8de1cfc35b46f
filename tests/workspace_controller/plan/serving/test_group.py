"""Which pods of a model that spans nodes have lost the first of them."""

from datetime import timedelta
from typing import Any

import pytest

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import POD, Manifest
from tests.workspace_controller.given import (
    NOW,
    container,
    inference_workspace,
    observation,
    pod,
    stored,
)
from workspace_controller.plan.plan import Delete
from workspace_controller.plan.serving.group import pods_without_leader


def at(second: int) -> str:
    return rfc3339(NOW + timedelta(seconds=second))


def member(
    rank: int, *, created: int = 0, started: int | None = 5, restarts: int = 0, **metadata: Any
) -> Manifest:
    """A pod of the group, in seconds after NOW."""
    state: dict[str, Any] = {"running": {"startedAt": at(started)}} if started is not None else {}
    engine = {**container("engine", **state), "restartCount": restarts}
    made = pod("inference", name=f"ws-{rank}", initContainerStatuses=[engine])
    made["metadata"] |= {"creationTimestamp": at(created), **metadata}
    return made


def deleted(*pods: Manifest, stateful: bool = True) -> list[str]:
    workload = {"metadata": {"name": "ws"}} if stateful else None
    observed = observation(stored(inference_workspace()), pods=pods, stateful_set=workload)
    actions = pods_without_leader(observed)
    assert all(isinstance(each, Delete) and each.kind is POD for each in actions)
    return [each.name for each in actions]


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        # They start together, in any order.
        ((member(0, started=9), member(1, started=3), member(2, started=5)), []),
        ((member(0, started=60, restarts=1), member(1), member(2)), ["ws-1", "ws-2"]),
        # Only those that have not been replaced already.
        ((member(0, started=60, restarts=1), member(1, created=62, started=65), member(2)),
         ["ws-2"]),
        # The first pod itself was replaced, by a rollout or because its node was lost.
        ((member(0, created=50, started=60), member(1)), ["ws-1"]),
        # It waits to be started again: what it needs then is decided then.
        ((member(0, started=None, restarts=1), member(1)), []),
        # A later pod that starts again joins the first, or the first fails and starts again.
        ((member(0), member(1, started=60, restarts=1)), []),
        ((member(0, started=60, restarts=1), member(1, deletionTimestamp=at(61))), []),
        ((member(1), member(2)), []),
    ],
    ids=["start", "first restarted", "half replaced", "first replaced", "back-off",
         "later restarted", "being deleted", "no first"],
)  # fmt: skip
def test_pods_that_wait_for_a_first_pod_that_is_gone_are_replaced(
    pods: tuple[Manifest, ...], expected: list[str]
) -> None:
    assert deleted(*pods) == expected


def test_a_model_on_one_node_has_no_group() -> None:
    assert deleted(member(0, started=60, restarts=1), member(1), stateful=False) == []
