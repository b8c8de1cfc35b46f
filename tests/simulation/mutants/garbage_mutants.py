"""Bugs in the garbage collection."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.controllers import poll_interval
from gpu_provisioner.controllers.garbage_collector import GarbageCollector
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import CollectionPlan, Snapshot
from tests.simulation.mutants.mutant import Mutant


def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    true = garbage_collection.plan_pools

    def swept(
        seen: Snapshot, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
    ) -> CollectionPlan:
        return true(seen, suspects, now, timedelta(0))

    monkeypatch.setattr(garbage_collection, "plan_pools", swept)
    monkeypatch.setattr(poll_interval, "IDLE_SECONDS", 10.0)


def _orphans_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def swept(
        seen: Snapshot, suspects: Mapping[str, datetime], now: datetime, grace: timedelta
    ) -> CollectionPlan:
        named = [pool for pool in seen.pools if pool.name.startswith("ws")]
        orphans = [
            pool.name
            for pool in named
            if not pool.state.in_flight and pool.tags.get(marks.CLAIM_UID) not in seen.claim_uids
        ]
        first = {name: suspects.get(name, now) for name in orphans}
        return CollectionPlan(tuple(name for name in orphans if now - first[name] >= grace), first)

    async def delete_pool(self: GarbageCollector, name: str, seen: Snapshot) -> None:
        await self.cloud.delete(name)

    monkeypatch.setattr(garbage_collection, "plan_pools", swept)
    monkeypatch.setattr(GarbageCollector, "_delete_pool", delete_pool)


MUTANTS = (
    Mutant("orphans are deleted without a grace period", 100, _no_grace),
    Mutant("orphans are identified by name", 20, _orphans_by_name),
)
