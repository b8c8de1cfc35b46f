"""Bugs in the garbage collection."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.controllers import garbage_collector, poll_interval
from gpu_provisioner.controllers.garbage_collector import GarbageCollector
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import CollectionPlan, Snapshot
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant

_CONTROLLER = "gpu_provisioner/controllers/test_garbage_collector.py"
_DECISION = "gpu_provisioner/lifecycle/test_garbage_collection.py"


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


def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "_MAX_DELETIONS", 1000)


def _old_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collector, "_LISTING_MAX_AGE", timedelta(days=1))


def _not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete_pool(self: GarbageCollector, name: str, seen: Snapshot) -> None:
        await self.cloud.delete(name)

    monkeypatch.setattr(GarbageCollector, "_delete_pool", delete_pool)


def _absent_kind_has_no_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "_may_have_unlisted_claim", lambda pool, seen: False)


def _ready_nodes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "is_ready", lambda node: False)


def _budgets_hold_orphans(monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete_pool(self: GarbageCollector, name: str, seen: Snapshot) -> None:
        pool = await self.cloud.get(name)
        if garbage_collection.is_orphaned_pool(pool, seen):
            await self.cloud.delete(name, etag=pool.etag)

    monkeypatch.setattr(GarbageCollector, "_delete_pool", delete_pool)


MUTANTS = (
    Mutant(
        "orphans are deleted without a grace period",
        500,
        _no_grace,
        unit_test=f"{_CONTROLLER}::test_orphan_is_deleted_after_its_grace_period",
    ),
    Mutant(
        "orphans are identified by name",
        500,
        _orphans_by_name,
        unit_test=f"{_CONTROLLER}::test_pools_without_all_tags_are_never_touched",
    ),
    Mutant(
        "a kind of claims that is not served has no claims",
        1000,
        _absent_kind_has_no_claims,
        needs=Fault.KIND_ABSENT,
        unit_test=f"{_DECISION}::test_nothing_of_a_kind_that_was_not_listed_is_an_orphan",
    ),
    Mutant(
        "any number of orphans is deleted at once",
        0,
        _unlimited,
        unit_test=f"{_DECISION}::test_deletions_per_pass_are_limited",
    ),
    Mutant(
        "an old listing finds orphans",
        0,
        _old_listing,
        unit_test=f"{_CONTROLLER}::test_old_listing_deletes_nothing",
    ),
    Mutant(
        "an orphan is not read again",
        0,
        _not_read_again,
        unit_test=f"{_CONTROLLER}::test_pool_that_changed_after_listing_is_not_deleted",
    ),
    Mutant(
        "Ready Nodes are orphans",
        0,
        _ready_nodes_too,
        unit_test=f"{_DECISION}::test_orphaned_nodes_are_deleted",
    ),
    Mutant(
        "budgets hold an orphan for ever",
        0,
        _budgets_hold_orphans,
        unit_test=f"{_CONTROLLER}::"
        "test_budgets_of_an_orphan_are_ignored_once_they_have_blocked_its_deletion",
    ),
)
