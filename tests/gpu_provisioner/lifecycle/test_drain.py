"""Which pods leave a node, in which order, and what blocks them."""

from datetime import timedelta
from typing import Any

import pytest

from gpu_provisioner.claims.claim import parse
from gpu_provisioner.lifecycle.drain import drain, drainable
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DeletePod, EvictPod, PatchNode, StageResult
from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_api.conditions import parse_time, rfc3339
from kaito_kube.kinds import NODE_CLAIM, Manifest
from tests.gpu_provisioner.world import claim_manifest

DELETED = parse_time("2026-01-01T12:00:00Z")
DAEMON: Manifest = {"ownerReferences": [{"kind": "DaemonSet", "uid": "d"}]}
STATIC: Manifest = {"annotations": {"kubernetes.io/config.mirror": "x"}}
OF_NODE: Manifest = {"ownerReferences": [{"kind": "Node", "uid": "n"}]}
HELD: Manifest = {"annotations": {labels.DO_NOT_DISRUPT: "true"}}
CRITICAL = {"priorityClassName": "system-cluster-critical"}
TOLERANT = {"tolerations": [{"operator": "Exists"}]}
OF_THE_DRAIN = {"tolerations": [{"key": labels.DISRUPTED, "operator": "Exists"}]}
OF_GPUS = {"tolerations": [{"key": "sku", "operator": "Equal", "value": "gpu"}]}
OF_EXECUTION = {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}


def pod(name: str, spec: Manifest | None = None, phase: str = "Running", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "default", **more}
    return {"metadata": metadata, "spec": spec or {}, "status": {"phase": phase}}


def leaving(name: str, ends: float, **more: Any) -> Manifest:
    """Return a pod whose grace period ends that many seconds after the claim's deletion."""
    return pod(name, deletionTimestamp=rfc3339(DELETED + timedelta(seconds=ends)), **more)


def drained(
    *pods: Manifest, after: float = 10, grace: str | None = None, ready: str = "True", **more: Any
) -> StageResult:
    manifest = claim_manifest(NODE_CLAIM, terminationGracePeriod=grace)
    manifest["metadata"] |= {
        "uid": "u1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": rfc3339(DELETED),
    }
    node = {
        "metadata": {"name": "n"},
        "spec": {"taints": [{"key": labels.DISRUPTED, "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }
    observed = Observed(
        claim=parse(NODE_CLAIM, manifest),
        pool=None,
        listed_at=DELETED,
        nodes=(node,),
        pods=pods,
        cluster="aks",
        timeouts=Timeouts(),
        now=DELETED + timedelta(seconds=after),
        **more,
    )
    return drain(observed)


def evicted(result: StageResult) -> list[str]:
    return [action.name for action in result.actions if isinstance(action, EvictPod)]


def condition(result: StageResult) -> tuple[str, str]:
    assert result.condition is not None
    return result.condition.status, result.condition.reason


@pytest.mark.parametrize(
    ("found", "waited_for"),
    [
        (pod("a"), True),
        (pod("a", OF_GPUS), True),
        (pod("a", OF_EXECUTION), True),
        (pod("a", CRITICAL), True),
        (leaving("a", 5), True),
        (leaving("a", -55), False),
        (pod("a", phase="Succeeded"), False),
        (pod("a", phase="Failed"), False),
        (pod("a", **DAEMON), False),
        (pod("a", **STATIC), False),
        (pod("a", **OF_NODE), False),
        (pod("a", TOLERANT), False),
        (pod("a", OF_THE_DRAIN), False),
    ],
    ids=[
        "a pod",
        "one that tolerates GPU nodes",
        "one that tolerates evictions only",
        "one that the cluster runs on",
        "leaving",
        "should have ended long ago",
        "done",
        "failed",
        "of a DaemonSet",
        "static",
        "of the node",
        "tolerates everything",
        "tolerates the drain",
    ],
)
def test_drain_ignores_some_pods(found: Manifest, waited_for: bool) -> None:
    assert bool(drainable([found], DELETED + timedelta(seconds=10))) is waited_for


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod("a"), pod("b"), pod("c", CRITICAL)], ["a", "b"]),
        ([leaving("a", 30), pod("c", CRITICAL)], []),
        ([pod("c", CRITICAL)], ["c"]),
        ([pod("a"), pod("b", **HELD)], ["a"]),
        ([pod("a", **DAEMON), pod("c", CRITICAL)], ["c"]),
    ],
    ids=[
        "ordinary pods first",
        "critical ones when the others are gone",
        "critical ones last",
        "not what must not be disrupted",
        "DaemonSets stay",
    ],
)
def test_ordinary_pods_are_evicted_first(pods: list[Manifest], expected: list[str]) -> None:
    assert evicted(drained(*pods)) == expected


def test_node_without_pods_is_drained() -> None:
    result = drained()
    assert result.done and condition(result) == ("True", "Drained")


def test_leaving_pods_are_named() -> None:
    result = drained(pod("a"))
    assert not result.done and condition(result) == ("Unknown", "Draining")
    assert "default/a" in result.condition.message if result.condition else False


@pytest.mark.parametrize(
    ("blocking", "text"),
    [
        (pod("a", **HELD), "default/a: annotation karpenter.sh/do-not-disrupt"),
        (pod("a"), "default/a: The disruption budget a needs 1 healthy pods and has 1 currently"),
    ],
    ids=["must not be disrupted", "a budget"],
)
def test_blocked_drain_names_pod_and_cause(blocking: Manifest, text: str) -> None:
    errors = {"default/a": "The disruption budget a needs 1 healthy pods and has 1 currently"}
    result = drained(blocking, pod("b"), eviction_errors=errors)
    assert condition(result) == ("False", "DrainBlocked")
    assert result.condition is not None and text in result.condition.message
    assert "until 2026-01-01T12:01:00Z" in result.condition.message


@pytest.mark.parametrize(
    ("after", "grace", "ready", "ends"),
    [
        (59, None, "True", False),
        (61, None, "True", True),
        (61, "1h", "True", False),
        (3601, "1h", "True", True),
        (11, "10s", "True", True),
        (61, "1h", "Unknown", True),
        (11, "10s", "Unknown", True),
    ],
    ids=[
        "within the usual time",
        "past the usual time",
        "within the claim's own",
        "past the claim's own",
        "a short one",
        "the node does not answer",
        "the node does not answer, a short one",
    ],
)
def test_drain_deadline(after: float, grace: str | None, ready: str, ends: bool) -> None:
    result = drained(pod("a", **HELD), after=after, grace=grace, ready=ready)
    assert result.done is ends
    assert (condition(result) == ("False", "DrainTimeout")) is ends


@pytest.mark.parametrize(
    ("found", "after", "seconds"),
    [
        (pod("a"), 500, None),
        (pod("a"), 571, 29),
        (pod("a", {"terminationGracePeriodSeconds": 300}), 320, 280),
        (pod("a", {"terminationGracePeriodSeconds": 3600}), 1, 599),
        (pod("a", **HELD), 575, 25),
        (leaving("a", 620), 500, 100),
        (leaving("a", 590), 585, None),
    ],
    ids=[
        "early enough",
        "grace period of 30 s",
        "longer grace period",
        "grace period beyond the deadline",
        "must not be disrupted",
        "is leaving, too slowly",
        "is leaving in time",
    ],
)
def test_pods_are_deleted_in_time_for_the_grace_period(
    found: Manifest, after: float, seconds: int | None
) -> None:
    result = drained(found, after=after, grace="10m")
    deleted = [a.grace_seconds for a in result.actions if isinstance(a, DeletePod)]
    assert deleted == ([] if seconds is None else [seconds])


def test_budgets_are_honored_without_grace_period() -> None:
    assert not any(isinstance(a, DeletePod) for a in drained(pod("a"), after=59).actions)


def test_disruption_taint_is_added_once() -> None:
    assert not any(isinstance(action, PatchNode) for action in drained(pod("a")).actions)
