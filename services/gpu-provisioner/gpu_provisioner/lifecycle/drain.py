"""Drain: who has to leave a node, in which order, what holds them up, and until when they are
waited for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import Action, DeletePod, EvictPod, PatchNode, Step, Tell
from kaito_api import conditions, labels
from kaito_api.conditions import parse_time, rfc3339
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, annotations_of, is_being_deleted

DISRUPTED = {"key": labels.DISRUPTED, "effect": "NoSchedule"}
_MIRROR = "kubernetes.io/config.mirror"
_CRITICAL = frozenset({"system-cluster-critical", "system-node-critical"})
_POLL = 1.0
_HELD_UP_POLL = 5.0
# A pod that has not ended so long after its grace period is not going to.
_STUCK = timedelta(minutes=1)
_DEFAULT_GRACE = 30
_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Pod:
    manifest: Manifest
    blocked: str

    @property
    def name(self) -> str:
        return pod_name(self.manifest)

    @property
    def is_leaving(self) -> bool:
        return is_being_deleted(self.manifest)


def pod_name(pod: Manifest) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def drain(observed: Observed) -> Step:
    """Done when the pool may go: nobody is left who would be waited for."""
    node, type_ = observed.node, observed.claim.kind.drained
    if node is None:
        return Step(done=True)
    pods = [_Pod(pod, _why_blocked(observed, pod)) for pod in staying(observed.pods, observed.now)]
    if not pods:
        return Step(conditions.true(type_, Reason.DRAINED, ""), done=True)
    deadline = _deadline(observed, node)
    if observed.now >= deadline:
        message = f"not waited for any longer than until {rfc3339(deadline)}: {_names(pods)}"
        return Step(conditions.false(type_, Reason.DRAIN_TIMEOUT, message), done=True)
    return _draining(observed, node, pods, deadline)


def staying(pods: Iterable[Manifest], now: datetime) -> list[Manifest]:
    """Pods that a drain waits for: not those of DaemonSets or of the kubelet, not those that
    ended or tolerate the drain, and none that cannot end."""
    return [pod for pod in pods if not _is_left_alone(pod) and not _is_stuck(pod, now)]


def _draining(observed: Observed, node: Manifest, pods: list[_Pod], deadline: datetime) -> Step:
    type_ = observed.claim.kind.drained
    actions = [*_cordon(node), *_expiring(observed, pods, deadline), *_evictions(pods)]
    held_up = [pod for pod in pods if pod.blocked]
    if not held_up:
        message = f"{len(pods)} pods are leaving: {_names(pods)}"
        return Step(conditions.unknown(type_, Reason.DRAINING, message), tuple(actions), _POLL)
    words = "; ".join(f"pod {pod.name}: {pod.blocked}" for pod in held_up[:_NAMED])
    note = f"{len(held_up)} of {len(pods)} pods hold the drain up: {words}"
    condition = conditions.false(
        type_, Reason.DRAIN_BLOCKED, f"{note}. They are waited for until {rfc3339(deadline)}"
    )
    told = Tell("Warning", Reason.FAILED_DRAINING, note)
    return Step(condition, (*actions, told), _HELD_UP_POLL)


def _deadline(observed: Observed, node: Manifest) -> datetime:
    """The claim's own terminationGracePeriod, else the provisioner's; nobody on a node that does
    not answer can end in order, so that it gets no more than the latter."""
    claim, usual = observed.claim, observed.terms.drain_timeout
    granted = usual if claim.termination_grace is None else claim.termination_grace
    if not conditions.is_true(node, "Ready"):
        granted = min(granted, usual)
    return (claim.deleted or observed.now) + granted


def _evictions(pods: list[_Pod]) -> Iterable[Action]:
    """Of the first group that has anyone left: ordinary pods, then those the cluster runs on."""
    ordinary = [pod for pod in pods if not _is_critical(pod.manifest)]
    for pod in ordinary or pods:
        if not pod.is_leaving and not _must_not_be_disrupted(pod.manifest):
            metadata = pod.manifest["metadata"]
            yield EvictPod(metadata.get("namespace", ""), metadata["name"])


def _expiring(observed: Observed, pods: list[_Pod], deadline: datetime) -> Iterable[Action]:
    """A terminationGracePeriod ends on time: whose own grace reaches beyond it is deleted now."""
    if observed.claim.termination_grace is None:
        return
    told = f"all pods will be deleted by {rfc3339(deadline)}"
    yield Tell("Warning", Reason.TERMINATION_GRACE_PERIOD_EXPIRING, told)
    left = deadline - observed.now
    for pod in pods:
        metadata = pod.manifest["metadata"]
        if pod.is_leaving:
            is_due = parse_time(metadata["deletionTimestamp"]) > deadline
        else:
            is_due = left <= _grace(pod.manifest)
        if is_due:
            seconds = max(1, int(left.total_seconds()))
            yield DeletePod(metadata.get("namespace", ""), metadata["name"], seconds)


def _cordon(node: Manifest) -> tuple[Action, ...]:
    """Keeps new pods away, and load balancers from sending anyone."""
    taints = (node.get("spec") or {}).get("taints") or []
    if any(taint["key"] == DISRUPTED["key"] for taint in taints):
        return ()
    patch = {
        "metadata": {"labels": {labels.EXCLUDE_BALANCERS: "karpenter"}},
        "spec": {"taints": [*taints, DISRUPTED]},
    }
    return (PatchNode(node["metadata"]["name"], patch),)


def _why_blocked(observed: Observed, pod: Manifest) -> str:
    if is_being_deleted(pod):
        return ""
    if _must_not_be_disrupted(pod):
        return f"annotation {labels.DO_NOT_DISRUPT}"
    return observed.refusals.get(pod_name(pod), "")


def _is_left_alone(pod: Manifest) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return (
        ended
        or _MIRROR in annotations_of(pod)
        or any(owner["kind"] in ("DaemonSet", "Node") for owner in owners)
        or any(map(_tolerates, (pod.get("spec") or {}).get("tolerations") or ()))
    )


def _tolerates(toleration: Manifest) -> bool:
    """Whether it tolerates the taint of a drain."""
    key, effect = toleration.get("key") or "", toleration.get("effect") or ""
    if effect not in ("", DISRUPTED["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return key in ("", DISRUPTED["key"])
    return key == DISRUPTED["key"] and not toleration.get("value")


def _is_stuck(pod: Manifest, now: datetime) -> bool:
    """Its deletionTimestamp is the end of its grace period."""
    ends = pod["metadata"].get("deletionTimestamp")
    return ends is not None and now - parse_time(ends) > _STUCK


def _is_critical(pod: Manifest) -> bool:
    return (pod.get("spec") or {}).get("priorityClassName") in _CRITICAL


def _must_not_be_disrupted(pod: Manifest) -> bool:
    return annotations_of(pod).get(labels.DO_NOT_DISRUPT) == "true"


def _grace(pod: Manifest) -> timedelta:
    seconds = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    return timedelta(seconds=_DEFAULT_GRACE if seconds is None else seconds)


def _names(pods: list[_Pod]) -> str:
    names = ", ".join(pod.name for pod in pods[:_NAMED])
    return f"{names}, ..." if len(pods) > _NAMED else names
