"""Pools that no claim asks for any more. Pure: two listings and a memory in, deletions out.

A pool is deleted only when whole, fresh lists say twice, a grace period apart, that it is ours
by its tags, at rest, and that no claim of its uid exists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner import agent_pools
from gpu_provisioner.cloud import Pool


@dataclass(frozen=True, slots=True)
class Sweep:
    """Pools to delete now, and those seen orphaned with the moment they were first."""

    delete: tuple[str, ...]
    suspects: Mapping[str, datetime]


def sweep(
    pools: Iterable[Pool],
    claim_uids: frozenset[str],
    suspects: Mapping[str, datetime],
    now: datetime,
    grace: timedelta,
) -> Sweep:
    """`suspects` is what the sweep before returned; keys are pool name and claim uid."""
    seen: dict[str, datetime] = {}
    delete: list[str] = []
    for pool in pools:
        if not _is_orphan(pool, claim_uids):
            continue
        key = f"{pool.name} {pool.tags[agent_pools.CLAIM_UID]}"
        first = suspects.get(key, now)
        if now - first >= grace:
            delete.append(pool.name)
        seen[key] = first
    return Sweep(tuple(delete), seen)


def _is_orphan(pool: Pool, claim_uids: frozenset[str]) -> bool:
    return (
        agent_pools.is_managed(pool)
        and not pool.state.in_flight
        and pool.tags[agent_pools.CLAIM_UID] not in claim_uids
    )
