"""What nobody asks for any more: agent pools without a claim, and Node objects with neither. Pure:
whole, fresh lists and a memory in; what is to be deleted out.

A thing is deleted only when lists say twice, a grace period apart, that it is ours (by tag or by
label, never by its name) and an orphan, and nothing is under way on it.
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

# So many orphans at a time, or so large a share of what is ours: more at once looks like lists
# that lie, and whoever watches the metric has the time to stop it.
_MOST_AT_ONCE = 10
_LARGEST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Sweep:
    """Names to delete now, and those seen orphaned with the moment they were first."""

    delete: tuple[str, ...]
    suspects: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one sweep has read, pools before claims, so that a pool's claim must be among them."""

    pools: tuple[Pool, ...]
    claim_uids: frozenset[str]
    claim_names: frozenset[str]
    nodes: tuple[Manifest, ...] = field(default=())


def sweep_pools(
    seen: Seen, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
) -> Sweep:
    """`suspects` is what the sweep before returned; keys are pool name and claim uid."""
    ours = [pool for pool in seen.pools if ownership.is_managed(pool)]
    orphans = {
        f"{pool.name} {pool.tags[ownership.CLAIM_UID]}": pool.name
        for pool in ours
        if not pool.state.in_flight and pool.tags[ownership.CLAIM_UID] not in seen.claim_uids
    }
    most = max(_MOST_AT_ONCE, ceil(len(ours) * _LARGEST_SHARE))
    return _swept(orphans, suspects, now, grace, most)


def sweep_nodes(
    seen: Seen, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
) -> Sweep:
    """Keys are Node name and claim uid. A Node that is Ready has a machine, whatever lists say."""
    pools = {pool.name for pool in seen.pools}
    orphans = {
        f"{node['metadata']['name']} {labels_of(node)[labels.CLAIM_UID]}": node["metadata"]["name"]
        for node in ownerless(seen, pools)
        if not is_ready(node) and not is_being_deleted(node)
    }
    return _swept(orphans, suspects, now, grace, _MOST_AT_ONCE)


def ownerless(seen: Seen, pools: set[str]) -> list[Manifest]:
    """Nodes of ours with neither pool nor claim, Ready or not."""
    found = []
    for node in seen.nodes:
        has = labels_of(node)
        uid, pool = has.get(labels.CLAIM_UID), has.get(labels.AGENT_POOL)
        known = uid in seen.claim_uids or pool in seen.claim_names or pool in pools
        if uid is not None and pool is not None and not known:
            found.append(node)
    return found


def _swept(
    orphans: Mapping[str, str],
    suspects: Mapping[str, datetime],
    now: datetime,
    grace: timedelta,
    most: int,
) -> Sweep:
    seen = {key: suspects.get(key, now) for key in orphans}
    due = [name for key, name in orphans.items() if now - seen[key] >= grace]
    return Sweep(tuple(due[:most]), seen)
