"""Deletion: workloads, then claims, then the finalizer."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM, NODE_POOL
from tests.workspace_controller.given import claim, observation, pod, stored, tuning_workspace
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Delete, Plan

JUST_NOW, LONG_AGO = "2026-01-01T11:59:55Z", "2026-01-01T11:00:00Z"
THERE = {"metadata": {"name": "ws", "uid": "x"}}
LEAVING = {"metadata": {"name": "ws", "uid": "x", "deletionTimestamp": "x"}}


def seen(since: str = JUST_NOW, **changes: Any) -> Observed:
    manifest = stored(
        tuning_workspace(), deletionTimestamp=since, finalizers=[labels.WORKSPACE_FINALIZER]
    )
    return observation(manifest, **changes)


def kinds_of(plan: Plan) -> list[str]:
    return [action.kind.kind for action in plan.actions if isinstance(action, Delete)]


CASES: dict[str, tuple[Observed, list[str], str, float | None]] = {
    "workloads first": (
        seen(job=THERE, deployment=THERE, claims=(claim(),)), ["Deployment", "Job"], "keep", 15.0,
    ),
    "each once": (seen(job=LEAVING, claims=(claim(),)), [], "keep", 15.0),
    "then pods may end": (seen(pods=(pod("tuning"),), claims=(claim(),)), [], "keep", 15.0),
    "then claims": (seen(claims=(claim(),)), ["Machine"], "keep", 15.0),
    "claims are waited for": (seen(claims=(claim(deleting=True),)), [], "keep", 15.0),
    "then the finalizer": (seen(), [], "remove", None),
    "pods of a dead node are not waited for": (
        seen(LONG_AGO, pods=(pod("tuning"),), claims=(claim(),)), ["Machine"], "keep", 15.0,
    ),
    "what does not end goes with the rest": (
        seen(LONG_AGO, job=THERE, claims=(claim(),)), ["Job", "Machine"], "keep", 15.0,
    ),
    "a pool takes its claims along": (
        seen(claims=(claim(kind=NODE_POOL), claim(1, kind=NODE_CLAIM, from_pool=True))),
        ["NodePool"], "keep", 15.0,
    ),
    "a pool, and a Machine from before it": (
        seen(claims=(claim(1), claim(kind=NODE_POOL))), ["Machine", "NodePool"], "keep", 15.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "deleted", "finalizer", "again"), CASES.values(), ids=CASES)
def test_workloads_then_claims_then_finalizer(
    observed: Observed, deleted: list[str], finalizer: str, again: float | None
) -> None:
    plan = decide(observed)
    assert (kinds_of(plan), plan.finalizer, plan.requeue_after_seconds) == (
        deleted,
        finalizer,
        again,
    )


def test_status_names_the_claims_that_remain_and_why() -> None:
    stuck = claim(deleting=True, Ready="False/CloudUnavailable/throttled")
    status = decide(seen(claims=(stuck,))).status
    assert status is not None and status["state"] == "Deleting"
    (deleting,) = [c for c in status["conditions"] if c["type"] == "WorkspaceDeleting"]
    assert stuck.name in deleting["message"] and "throttled" in deleting["message"]


def test_nothing_is_done_without_the_finalizer() -> None:
    assert decide(observation(stored(tuning_workspace(), deletionTimestamp=JUST_NOW))) == Plan()
