"""Decides which agent pools without a claim, and which Nodes with neither claim nor pool, are
deleted. Pure: complete, recent lists and the suspects of the last pass in, names out.

A pool or Node is deleted only if two passes, a grace period apart, find that this provisioner
created it (by tag or label, never by name), that it is an orphan, and that no operation on it is
in progress.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.cloud.pools import Pool
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
    the claim of every listed pool must be among the claims."""

    cluster: str
    pools: tuple[Pool, ...]
    claim_uids: frozenset[str]
    claim_names: frozenset[str]
    nodes: tuple[Manifest, ...] = field(default=())


def plan_pools(
    snapshot: Snapshot, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
) -> CollectionPlan:
    """Return the pools to delete. `suspects` come from the last pass; their keys are the pool's
    name and the claim's uid."""
    managed = [pool for pool in snapshot.pools if ownership.is_managed(pool)]
    orphans = {
        f"{pool.name} {ownership.claim_uid(pool)}": pool.name
        for pool in managed
        if is_orphaned_pool(pool, snapshot)
    }
    limit = max(_MAX_DELETIONS, ceil(len(managed) * _MAX_SHARE))
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
        ownership.is_managed(pool)
        and not ownership.names_other_cluster(pool, snapshot.cluster)
        and not pool.state.in_flight
        and ownership.claim_uid(pool) not in snapshot.claim_uids
    )


def foreign_pools(snapshot: Snapshot) -> list[Pool]:
    """Return the pools without a claim here that name another cluster."""
    return [
        pool
        for pool in snapshot.pools
        if ownership.is_managed(pool)
        and ownership.names_other_cluster(pool, snapshot.cluster)
        and ownership.claim_uid(pool) not in snapshot.claim_uids
    ]


def may_delete_node(node: Manifest, snapshot: Snapshot) -> bool:
    """Return whether the orphan, read again, still has no claim and is not Ready."""
    uid = labels_of(node).get(labels.CLAIM_UID)
    return uid is not None and uid not in snapshot.claim_uids and not is_ready(node)


def stray_nodes(snapshot: Snapshot) -> list[Manifest]:
    """Return the Ready Nodes with neither pool nor claim. They are reported and not deleted."""
    return [node for node in nodes_without_owner(snapshot) if is_ready(node)]


def nodes_without_owner(snapshot: Snapshot) -> list[Manifest]:
    """Return this provisioner's Nodes with neither pool nor claim, Ready or not."""
    pools = {pool.name for pool in snapshot.pools}
    nodes = []
    for node in snapshot.nodes:
        node_labels = labels_of(node)
        uid, pool = node_labels.get(labels.CLAIM_UID), node_labels.get(labels.AGENT_POOL)
        has_owner = uid in snapshot.claim_uids or pool in snapshot.claim_names or pool in pools
        if uid is not None and pool is not None and not has_owner:
            nodes.append(node)
    return nodes


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
