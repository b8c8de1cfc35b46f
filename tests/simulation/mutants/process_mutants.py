"""Wrong ways to look after everything at once: garbage, leadership, timers, watches."""

import asyncio
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner import refresh
from gpu_provisioner.agent_pools import CLAIM_UID
from gpu_provisioner.cloud import CloudProvider, Pool
from gpu_provisioner.garbage import Sweep, sweep
from gpu_provisioner.operator import Operator
from gpu_provisioner.settings import Settings
from kaito_kube import informer
from kaito_kube.cluster import Cluster
from kaito_kube.informer import Interest
from kaito_kube.kinds import Key, key_of
from kaito_kube.lease import LeaseTerms, Tenure
from kaito_kube.loops import KeyedLoops
from kaito_kube.store import Store
from tests.simulation.loop import LoopClock
from tests.simulation.mutants.mutant import Mutant


def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    def swept(
        pools: Iterable[Pool],
        claim_uids: frozenset[str],
        suspects: Mapping[str, datetime],
        now: datetime,
        grace: timedelta,
    ) -> Sweep:
        return sweep(pools, claim_uids, suspects, now, timedelta(0))

    monkeypatch.setattr(refresh, "sweep", swept)


def _orphans_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def swept(
        pools: Iterable[Pool],
        claim_uids: frozenset[str],
        suspects: Mapping[str, datetime],
        now: datetime,
        grace: timedelta,
    ) -> Sweep:
        named = [pool for pool in pools if pool.name.startswith("ws") and not pool.state.in_flight]
        orphans = [pool for pool in named if pool.tags.get(CLAIM_UID) not in claim_uids]
        seen = {pool.name: suspects.get(pool.name, now) for pool in orphans}
        return Sweep(tuple(name for name, first in seen.items() if now - first >= grace), seen)

    monkeypatch.setattr(refresh, "sweep", swept)


def _everybody_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lead(
        cluster: Cluster, clock: object, terms: LeaseTerms, work: object, tenure: Tenure
    ) -> None:
        tenure.extend(float("inf"))
        assert callable(work)
        await work()

    monkeypatch.setattr("gpu_provisioner.operator.lead", lead)


def _no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tenure, "check", lambda self: None)


def _timers_do_not_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyedLoops, "_ring_in", lambda self, key, entry, seconds: None)


def _no_second_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that was lost begins again from now, without a look at what it missed."""

    async def list_and_watch(cluster: Cluster, store: Store, interest: Interest) -> None:
        listing = await cluster.list(interest.kind, labels=interest.labels)
        if not store.is_synced(interest.kind):
            store.replace(interest.kind, listing.items)
        version = listing.resource_version
        async for change in cluster.watch(interest.kind, version, interest.labels):
            if change.type == "DELETED":
                store.remove(interest.kind, key_of(change.manifest))
            else:
                store.put(interest.kind, change.manifest)

    monkeypatch.setattr(informer, "_list_and_watch", list_and_watch)


MUTANTS = (
    Mutant("orphans get no grace", _no_grace),
    Mutant("orphans are judged by name", _orphans_by_name),
    Mutant("everybody leads", _everybody_leads),
    Mutant("a leader that stood still acts on", _no_fence),
    Mutant("timers do not ring", _timers_do_not_ring),
    Mutant("a lost watch begins again without a list", _no_second_list),
)
