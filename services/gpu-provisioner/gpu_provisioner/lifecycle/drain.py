"""Drain: which pods have to leave a node, in which order, what blocks them, and until when the
drain waits for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import (
    Action,
    DeletePod,
    EmitEvent,
    EvictPod,
    PatchNode,
    StageResult,
)
from kaito_api import conditions, labels
from kaito_api.conditions import parse_time, rfc3339
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, annotations_of, is_being_deleted

DISRUPTED = {"key": labels.DISRUPTED, "effect": "NoSchedule"}
_MIRROR = "kubernetes.io/config.mirror"
_CRITICAL = frozenset({"system-cluster-critical", "system-node-critical"})
# Pods are not watched, so a drain lists them: often while they leave, less often while a budget
# or an annotation blocks them.
_DRAINING_SECONDS, _BLOCKED_SECONDS = 1.0, 5.0
# A pod that still exists this long after its grace period is not going to end.
_STUCK = timedelta(minutes=1)
# Kubernetes' default of terminationGracePeriodSeconds.
_DEFAULT_GRACE_SECONDS = 30
# Pods in a message.
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class _Pod:
    """`blocked_by` is why the pod is not evicted, empty where nothing blocks it."""

    manifest: Manifest
    blocked_by: str

    @property
    def name(self) -> str:
        return pod_name(self.manifest)

    @property
    def is_leaving(self) -> bool:
        return is_being_deleted(self.manifest)


def pod_name(pod: Manifest) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def drain(observed: Observed) -> StageResult:
    """Return the drain's progress, of all Nodes of the claim: a pool that somebody scaled has
    several. It is done when the pool may be deleted: no pods are left that the drain waits for, or
    its deadline has passed."""
    node, type_ = observed.node, observed.claim.kind.drained
    if node is None:
        return StageResult(done=True)
    pods = [_Pod(pod, _blocked_by(observed, pod)) for pod in drainable(observed.pods, observed.now)]
    if not pods:
        return StageResult(conditions.true(type_, Reason.DRAINED, ""), done=True)
    deadline = _deadline(observed, node)
    if observed.now >= deadline:
        message = f"the drain ended at its deadline {rfc3339(deadline)} with {_names(pods)}"
        return StageResult(conditions.false(type_, Reason.DRAIN_TIMEOUT, message), done=True)
    return _draining(observed, pods, deadline)


def drainable(pods: Iterable[Manifest], now: datetime) -> list[Manifest]:
    """Return the pods that a drain waits for: none of DaemonSets or of the kubelet, none that
    ended or tolerate the drain, and none that cannot end."""
    return [pod for pod in pods if not _is_ignored(pod) and not _is_stuck(pod, now)]


def _draining(observed: Observed, pods: list[_Pod], deadline: datetime) -> StageResult:
    type_ = observed.claim.kind.drained
    cordons = [action for node in observed.nodes for action in _cordon(node)]
    actions = [*cordons, *_expire(observed, pods, deadline), *_evictions(pods)]
    blocked = [pod for pod in pods if pod.blocked_by]
    if not blocked:
        message = f"{len(pods)} pods are leaving: {_names(pods)}"
        draining = conditions.unknown(type_, Reason.DRAINING, message)
        return StageResult(draining, tuple(actions), _DRAINING_SECONDS)
    details = "; ".join(f"pod {pod.name}: {pod.blocked_by}" for pod in blocked[:_MAX_LISTED])
    note = f"{len(blocked)} of {len(pods)} pods block the drain: {details}"
    condition = conditions.false(
        type_, Reason.DRAIN_BLOCKED, f"{note}. The drain waits for them until {rfc3339(deadline)}"
    )
    event = EmitEvent("Warning", Reason.FAILED_DRAINING, note)
    return StageResult(condition, (*actions, event), _BLOCKED_SECONDS)


def _deadline(observed: Observed, node: Manifest) -> datetime:
    """Return the end of the claim's terminationGracePeriod, or else of the drain timeout. Pods on
    a node that does not respond cannot end gracefully, so it gets no more than the latter."""
    claim, timeout = observed.claim, observed.timeouts.drain_timeout
    grace = timeout if claim.termination_grace is None else claim.termination_grace
    if not conditions.is_true(node, "Ready"):
        grace = min(grace, timeout)
    return (claim.deleted or observed.now) + grace


def _evictions(pods: list[_Pod]) -> Iterable[Action]:
    """Evict ordinary pods first, and critical pods only when no others are left."""
    ordinary = [pod for pod in pods if not _is_critical(pod.manifest)]
    for pod in ordinary or pods:
        if not pod.is_leaving and not _must_not_be_disrupted(pod.manifest):
            metadata = pod.manifest["metadata"]
            yield EvictPod(metadata.get("namespace", ""), metadata["name"])


def _expire(observed: Observed, pods: list[_Pod], deadline: datetime) -> Iterable[Action]:
    """Delete the pods whose own grace period would end after the claim's
    terminationGracePeriod, which ends on time."""
    if observed.claim.termination_grace is None:
        return
    note = f"all pods will be deleted by {rfc3339(deadline)}"
    yield EmitEvent("Warning", Reason.TERMINATION_GRACE_PERIOD_EXPIRING, note)
    remaining = deadline - observed.now
    for pod in pods:
        metadata = pod.manifest["metadata"]
        if pod.is_leaving:
            is_due = parse_time(metadata["deletionTimestamp"]) > deadline
        else:
            is_due = remaining <= _grace(pod.manifest)
        if is_due:
            # A grace period of 0 would delete the pod without waiting for the kubelet.
            seconds = max(1, int(remaining.total_seconds()))
            yield DeletePod(metadata.get("namespace", ""), metadata["name"], seconds)


def _cordon(node: Manifest) -> tuple[Action, ...]:
    """Keep new pods off the node, and the traffic of load balancers."""
    taints = (node.get("spec") or {}).get("taints") or []
    if any(taint["key"] == DISRUPTED["key"] for taint in taints):
        return ()
    patch = {
        "metadata": {"labels": {labels.EXCLUDE_BALANCERS: "karpenter"}},
        "spec": {"taints": [*taints, DISRUPTED]},
    }
    return (PatchNode(node["metadata"]["name"], patch),)


def _blocked_by(observed: Observed, pod: Manifest) -> str:
    if is_being_deleted(pod):
        return ""
    if _must_not_be_disrupted(pod):
        return f"annotation {labels.DO_NOT_DISRUPT}"
    return observed.eviction_errors.get(pod_name(pod), "")


def _is_ignored(pod: Manifest) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return (
        ended
        or _MIRROR in annotations_of(pod)
        or any(owner["kind"] in ("DaemonSet", "Node") for owner in owners)
        or any(map(_tolerates, (pod.get("spec") or {}).get("tolerations") or ()))
    )


def _tolerates(toleration: Manifest) -> bool:
    """Return whether the toleration matches the taint of a drain."""
    key, effect = toleration.get("key") or "", toleration.get("effect") or ""
    if effect not in ("", DISRUPTED["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return key in ("", DISRUPTED["key"])
    return key == DISRUPTED["key"] and not toleration.get("value")


def _is_stuck(pod: Manifest, now: datetime) -> bool:
    # The deletionTimestamp of a pod is the end of its grace period.
    ends = pod["metadata"].get("deletionTimestamp")
    return ends is not None and now - parse_time(ends) > _STUCK


def _is_critical(pod: Manifest) -> bool:
    return (pod.get("spec") or {}).get("priorityClassName") in _CRITICAL


def _must_not_be_disrupted(pod: Manifest) -> bool:
    return annotations_of(pod).get(labels.DO_NOT_DISRUPT) == "true"


def _grace(pod: Manifest) -> timedelta:
    seconds = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    return timedelta(seconds=_DEFAULT_GRACE_SECONDS if seconds is None else seconds)


def _names(pods: list[_Pod]) -> str:
    names = ", ".join(pod.name for pod in pods[:_MAX_LISTED])
    return f"{names}, ..." if len(pods) > _MAX_LISTED else names
