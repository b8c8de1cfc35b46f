"""Deletion: workloads, then claims, then the finalizer."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM, NODE_POOL, Manifest
from tests.workspace_controller.given import (
    claim,
    observation,
    own_node,
    pod,
    stored,
    tuning_workspace,
)
from workspace_controller.observed import Claim, Observed
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


@pytest.mark.parametrize(
    ("in_set", "ready", "grace_ends", "deleted"),
    [
        (True, True, "2026-01-01T12:05:00Z", []),
        (True, True, "2026-01-01T11:59:00Z", ["Machine"]),
        (True, False, "2026-01-01T12:05:00Z", ["Machine"]),
        (False, True, "2026-01-01T12:05:00Z", ["Machine"]),
    ],
    ids=["answers end", "grace is over", "dead node", "no set"],
)
def test_nodes_of_a_sets_replica_wait_for_its_answers(
    in_set: bool, ready: bool, grace_ends: str, deleted: list[str]
) -> None:
    leaving = pod("inference")
    leaving["metadata"]["deletionTimestamp"] = grace_ends
    leaving["spec"] = {"nodeName": "node-0"}
    observed = seen(
        LONG_AGO, pods=(leaving,), claims=(claim(),), nodes=(own_node("node-0", ready=ready),)
    )
    if in_set:
        observed.workspace["metadata"]["labels"] = {labels.CREATED_BY_SET: "phi"}
    plan = decide(observed)
    assert kinds_of(plan) == deleted
    if not deleted:
        assert plan.requeue_after_seconds == 300.0


def test_status_names_the_claims_that_remain_and_why() -> None:
    stuck = claim(deleting=True, Ready="False/CloudUnavailable/throttled")
    status = decide(seen(claims=(stuck,))).status
    assert status is not None and status["state"] == "Deleting"
    (deleting,) = [c for c in status["conditions"] if c["type"] == "WorkspaceDeleting"]
    assert stuck.name in deleting["message"] and "throttled" in deleting["message"]


def test_nothing_is_done_without_the_finalizer() -> None:
    assert decide(observation(stored(tuning_workspace(), deletionTimestamp=JUST_NOW))) == Plan()


def deleting_condition(*claims: Claim) -> tuple[Manifest, Plan]:
    plan = decide(seen(LONG_AGO, claims=claims))
    assert plan.status is not None
    (found,) = [c for c in plan.status["conditions"] if c["type"] == "WorkspaceDeleting"]
    return found, plan


HELD_UP: dict[str, tuple[Claim, str, str]] = {
    "a lock": (
        claim(
            deleting=True,
            MachineDrained="True/Drained/",
            MachineInstanceTerminating="False/ResourceLocked/agent pool x cannot be deleted yet: "
            "lock 'keep' on resource group rg",
        ),
        "ResourceLocked", "lock 'keep' on resource group rg",
    ),
    "a budget": (
        claim(
            deleting=True,
            MachineLaunched="True/Launched/",
            MachineDrained="False/DrainBlocked/1 of 2 pods block the drain: pod team/a: budget phi",
        ),
        "DrainBlocked", "pod team/a: budget phi",
    ),
    "a budget of a NodeClaim": (
        claim(kind=NODE_CLAIM, deleting=True, Drained="False/DrainBlocked/budget phi"),
        "DrainBlocked", "budget phi",
    ),
    "Karpenter's own reason": (
        claim(kind=NODE_CLAIM, deleting=True, VolumesDetached="False/AwaitingVolumes/volume v"),
        "AwaitingVolumes", "volume v",
    ),
    "a claim that never launched": (
        claim(deleting=True, MachineLaunched="False/CloudUnauthorized/no role"),
        "CloudUnauthorized", "no role",
    ),
    "nothing: the drain goes on": (
        claim(deleting=True, MachineDrained="Unknown/Draining/2 pods are leaving: team/a, team/b"),
        "WorkspaceDeleting", "2 pods are leaving: team/a, team/b",
    ),
    "nothing: the machine goes": (
        claim(
            deleting=True,
            MachineDrained="False/DrainTimeout/late",
            MachineInstanceTerminating="True/InstanceTerminating/agent pool x is being deleted",
        ),
        "WorkspaceDeleting", "agent pool x is being deleted",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("stuck", "reason", "message"), HELD_UP.values(), ids=HELD_UP)
def test_deletion_says_what_holds_it_up(stuck: Claim, reason: str, message: str) -> None:
    condition, plan = deleting_condition(stuck)
    assert (condition["status"], condition["reason"]) == ("True", reason)
    assert f"{stuck.kind} {stuck.name} (" in condition["message"]
    assert message in condition["message"]
    (event,) = plan.events
    assert event.warning is (reason != "WorkspaceDeleting")


def test_claim_that_is_held_up_gives_the_reason_and_the_others_are_named() -> None:
    condition, _ = deleting_condition(
        claim(0, deleting=True, MachineDrained="Unknown/Draining/1 pods are leaving: team/a"),
        claim(1, deleting=True, MachineDrained="False/DrainBlocked/budget phi"),
    )
    assert condition["reason"] == "DrainBlocked"
    assert "1 pods are leaving" in condition["message"] and "budget phi" in condition["message"]
