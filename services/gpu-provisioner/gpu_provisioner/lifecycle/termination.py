"""Termination: cordon, drain, delete the pool, and let the claim go only when the pool is gone."""

from collections.abc import Iterable

from gpu_provisioner import agent_pools
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import Action, DeletePool, EvictPod, PatchNode, Plan, Release
from kaito_kube.kinds import Manifest, annotations_of, is_being_deleted

DISRUPTED = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}
_MIRROR = "kubernetes.io/config.mirror"
_POLL = 1.0


def terminate(observed: Observed) -> Plan:
    """What a claim with a deletion timestamp and our finalizer needs next."""
    if not observed.pools_known:
        return Plan(look_again=2.0)
    if observed.node is not None and (staying := _pods_to_move(observed)):
        return Plan(actions=_drain(observed.node, staying), look_again=_POLL)
    pool = observed.pool
    if pool is not None and agent_pools.belongs_to(pool, observed.claim):
        # A pool that is being made is asked to go as well: AKS aborts, or says that it is busy.
        deleting = pool.state is pool.state.DELETING
        return Plan(actions=() if deleting else (DeletePool(pool.name),), look_again=30.0)
    node = observed.node["metadata"]["name"] if observed.node is not None else None
    return Plan(actions=(Release(observed.claim.name, node),))


def evictable(pods: Iterable[Manifest]) -> list[Manifest]:
    """Pods that a drain moves: not those of DaemonSets, not static ones, not ended ones."""
    return [pod for pod in pods if not _stays(pod)]


def _stays(pod: Manifest) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return ended or _MIRROR in annotations_of(pod) or any(o["kind"] == "DaemonSet" for o in owners)


def _pods_to_move(observed: Observed) -> list[Manifest]:
    """Pods that the pool's deletion waits for; none once the drain has taken too long."""
    deleted, longest = observed.claim.deleted, observed.terms.drain_timeout
    late = deleted is None or observed.now - deleted > longest
    return [] if late else evictable(observed.pods)


def _drain(node: Manifest, pods: list[Manifest]) -> tuple[Action, ...]:
    """Keeps new pods away and asks the others to go; those on their way out are waited for."""
    evictions = (
        EvictPod(pod["metadata"].get("namespace", ""), pod["metadata"]["name"])
        for pod in pods
        if not is_being_deleted(pod)
    )
    return (*_cordon(node), *evictions)


def _cordon(node: Manifest) -> tuple[Action, ...]:
    taints = (node.get("spec") or {}).get("taints") or []
    if any(taint["key"] == DISRUPTED["key"] for taint in taints):
        return ()
    return (PatchNode(node["metadata"]["name"], {"spec": {"taints": [*taints, DISRUPTED]}}),)
