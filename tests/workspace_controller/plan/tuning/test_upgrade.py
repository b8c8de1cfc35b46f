"""What an earlier release has left: an upgrade restarts, deletes and checks nothing of it."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    conditions_by_type,
    container,
    observation,
    own_node,
    pod,
    stored,
    tuning_workspace,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Create, Delete

# As the release before data was checked gave it to a Job of this spec.
REVISION = "ca4644a801dbfc8c-571becc24ac796f2"


def a_job(**status: Any) -> Manifest:
    annotations = {"workspace.kaito.io/revision": REVISION}
    return {
        "metadata": {"name": "ws", "uid": "job-1", "annotations": annotations},
        "status": status,
    }


def left(status: Manifest | None = None, **changes: Any) -> Observed:
    manifest = stored(tuning_workspace())
    return observation({**manifest, "status": status or {}}, **changes)


TRAINS = pod("tuning", initContainerStatuses=[container("trainer", running={})])
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
TUNED = {"adapter": {"image": "r/a:1", "digest": "", "revision": REVISION.split("-")[0]}}
NODE: dict[str, Any] = {"claims": (claim(0, Ready="True"),), "nodes": (own_node(),)}

LEFT = {
    "a node is requested": left(claims=(claim(0),)),
    "a run whose pod waits": left(job=a_job(), **NODE),
    "a run that trains": left(job=a_job(), pods=(TRAINS,), **NODE),
    "a run whose node is being replaced": left(job=a_job(), claims=(claim(0, deleting=True),)),
    "a run that has ended": left(job=a_job(**COMPLETE), **NODE),
    "an adapter": left(TUNED, job=a_job(**COMPLETE), **NODE),
    "an adapter without its Job": left(TUNED, **NODE),
    "an adapter without its node": left(TUNED),
}  # fmt: skip


def test_a_run_that_trains_is_described_as_it_was_begun() -> None:
    """This release would train on all GPUs, and the Job trains as it did."""
    estimate = {"nodes": 1, "explanation": "as the earlier release counted"}
    status = decide(left({"estimate": estimate}, job=a_job(), pods=(TRAINS,), **NODE)).status
    assert status is not None and status["estimate"] == estimate
    again = decide(left({"estimate": estimate}, **NODE)).status
    assert again is not None and again["estimate"] != estimate


@pytest.mark.parametrize("observed", LEFT.values(), ids=LEFT)
def test_upgrade_restarts_and_deletes_and_checks_nothing(observed: Observed) -> None:
    plan = decide(observed)
    assert not [action for action in plan.actions if isinstance(action, Delete)]
    created = [a.manifest["metadata"]["name"] for a in plan.actions if isinstance(a, Create)]
    assert not [name for name in created if "check" in name or name == "ws"]
    if plan.status is not None:
        assert "DataChecked" not in conditions_by_type(plan.status)
        assert "WaitingForDataCheck" not in str(plan.status)
