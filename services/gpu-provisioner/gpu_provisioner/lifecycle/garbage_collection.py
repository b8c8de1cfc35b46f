"""Decides which agent pools without a claim, and which Nodes with neither claim nor pool, are
deleted. Pure: complete, recent lists and the suspects of the last pass in, names out.

A pool or Node is deleted only if two passes, a grace period apart, find that this provisioner
created it for this cluster (by tag or label, never by name), that it is an orphan, and that no
operation on it is in progress.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from gpu_provisioner.agent_pools import marks, ownership
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.lifecycle.cluster_identity import Identity, is_elsewhere
from gpu_provisioner.lifecycle.nodes import is_ready
from kaito_api import labels
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of

# More orphans than this, or than this share of the managed pools, suggest that the lists are wrong.
# The limit leaves whoever watches the metric the time to intervene.
_MAX_DELETIONS = 10
_MAX_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """Names to delete now, and the suspects with the moment when each was first found."""

    delete: tuple[str, ...]
    suspects: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The lists of one pass, in the cluster of that name. Pools are listed before claims, so that
    the claim of every listed pool must be among the claims.

    `unlisted_kinds` are the kinds of claims, such as Machine, that were not listed: their claims
    may exist. `identity` is whether the pools are known to be those of this Kubernetes cluster,
    and `node_group` is where its machines are, empty where that is unknown.
    """

    cluster: str
    pools: tuple[Pool, ...]
    claim_uids: frozenset[str]
    claim_names: frozenset[str]
    nodes: tuple[Manifest, ...] = field(default=())
    unlisted_kinds: frozenset[str] = frozenset()
    identity: Identity = Identity.UNKNOWN
    node_group: str = ""


def plan_pools(
    snapshot: Snapshot, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
) -> CollectionPlan:
    """Return the pools to delete. `suspects` come from the last pass; their keys are the pool's
    name and the claim's uid."""
    made_here = [pool for pool in snapshot.pools if was_made_here(pool, snapshot)]
    orphans = {
        f"{pool.name} {' '.join(sorted(_uids(pool)))}": pool.name
        for pool in made_here
        if is_orphaned_pool(pool, snapshot)
    }
    limit = max(_MAX_DELETIONS, ceil(len(made_here) * _MAX_SHARE))
    return _plan(orphans, suspects, now, grace, limit)


def plan_nodes(
    snapshot: Snapshot, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
) -> CollectionPlan:
    """Return the Nodes to delete. The keys of `suspects` are the Node's name and the claim's uid.
    A Ready Node has a machine, whatever the lists say."""
    orphans = {
        f"{node['metadata']['name']} {labels_of(node)[labels.CLAIM_UID]}": node["metadata"]["name"]
        for node in nodes_without_owner(snapshot)
        if not is_ready(node) and not is_being_deleted(node)
    }
    return _plan(orphans, suspects, now, grace, _MAX_DELETIONS)


def is_orphaned_pool(pool: Pool, snapshot: Snapshot) -> bool:
    """Return whether this provisioner created the pool for this cluster, its claim is gone, and no
    operation on it is in progress."""
    return (
        was_made_here(pool, snapshot)
        and not pool.state.in_flight
        and not _may_have_unlisted_claim(pool, snapshot)
        and snapshot.claim_uids.isdisjoint(_uids(pool))
    )


def was_made_here(pool: Pool, snapshot: Snapshot) -> bool:
    """Return whether this provisioner created the pool for this cluster.

    Tags say both. Without them, or if they name another cluster because somebody rewrote them, the
    node labels say it, in a listing that is known to be of this cluster.
    """
    is_here = snapshot.identity is Identity.SAME
    return ownership.may_be_collected(pool, snapshot.cluster, labels_suffice=is_here)


def foreign_pools(snapshot: Snapshot) -> list[Pool]:
    """Return the pools without a claim here that name another cluster."""
    return [
        pool
        for pool in snapshot.pools
        if (ownership.is_tagged(pool) or ownership.is_labeled(pool))
        and ownership.names_other_cluster(pool, snapshot.cluster)
        and not was_made_here(pool, snapshot)
        and snapshot.claim_uids.isdisjoint(_uids(pool))
    ]


def unmarked_pools(snapshot: Snapshot) -> list[Pool]:
    """Return the pools of KAITO's own gpu-provisioner without a claim. They are reported and not
    deleted: nothing on them says which claim they were for."""
    return [
        pool
        for pool in snapshot.pools
        if not _uids(pool)
        and labels.CREATION_TIMESTAMP in pool.labels
        and pool.name not in snapshot.claim_names
        and not snapshot.unlisted_kinds
    ]


def may_delete_node(node: Manifest, snapshot: Snapshot) -> bool:
    """Return whether the orphan, read again, still has no claim and is not Ready."""
    uid = labels_of(node).get(labels.CLAIM_UID)
    is_lost = uid is not None and uid not in snapshot.claim_uids and not is_ready(node)
    return is_lost and not is_elsewhere(node, snapshot.node_group)


def stray_nodes(snapshot: Snapshot) -> list[Manifest]:
    """Return the Ready Nodes with neither pool nor claim. They are reported and not deleted."""
    return [node for node in nodes_without_owner(snapshot) if is_ready(node)]


def nodes_without_owner(snapshot: Snapshot) -> list[Manifest]:
    """Return this provisioner's Nodes with neither pool nor claim, Ready or not."""
    if snapshot.unlisted_kinds:
        return []
    pools = {pool.name for pool in snapshot.pools}
    nodes = []
    for node in snapshot.nodes:
        node_labels = labels_of(node)
        uid, pool = node_labels.get(labels.CLAIM_UID), node_labels.get(labels.AGENT_POOL)
        has_owner = uid in snapshot.claim_uids or pool in snapshot.claim_names or pool in pools
        is_here = not is_elsewhere(node, snapshot.node_group)
        if uid is not None and pool is not None and is_here and not has_owner:
            nodes.append(node)
    return nodes


def _uids(pool: Pool) -> frozenset[str]:
    """Return the uids of the claims that the pool's marks name."""
    return frozenset(filter(None, (marks.uid_by_label(pool), marks.uid_by_tag(pool))))


def _may_have_unlisted_claim(pool: Pool, snapshot: Snapshot) -> bool:
    """Return whether the pool's claim may be of a kind that was not listed."""
    kind = marks.tag(pool, marks.CLAIM_KIND)
    return kind in snapshot.unlisted_kinds if kind else bool(snapshot.unlisted_kinds)


def _plan(
    orphans: Mapping[str, str],
    suspects: Mapping[str, datetime],
    now: datetime,
    grace: timedelta,
    limit: int,
) -> CollectionPlan:
    first_found = {key: suspects.get(key, now) for key in orphans}
    due = [name for key, name in orphans.items() if now - first_found[key] >= grace]
    return CollectionPlan(tuple(due[:limit]), first_found)
