"""Bugs in leadership, timers and watches."""

from collections.abc import Awaitable, Callable

import pytest

from kaito_kube import informer
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.feeds import Feed
from kaito_kube.informer import WatchSource
from kaito_kube.kinds import key_of
from kaito_kube.leader_election import Leadership, LeaseConfig
from kaito_kube.store import Store
from kaito_kube.work_queue import WorkQueue
from tests.simulation.mutants.mutant import Mutant


def _everybody_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_as_leader(
        cluster: Cluster,
        clock: Clock,
        terms: LeaseConfig,
        work: Callable[[], Awaitable[None]],
        leadership: Leadership,
    ) -> None:
        leadership.extend(float("inf"))
        await work()

    monkeypatch.setattr("gpu_provisioner.controllers.manager.run_as_leader", run_as_leader)


def _no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leadership, "check", lambda self: None)


def _timers_do_not_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkQueue, "_enqueue_after", lambda self, key, entry, seconds: None)


def _no_second_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost watch is resumed from now, without listing what it missed."""

    async def list_and_watch(
        cluster: Cluster, store: Store, source: WatchSource, feed: Feed
    ) -> None:
        listing = await cluster.list(source.kind, labels=source.labels)
        feed.heard()
        if not store.is_synced(source.kind):
            store.replace_all(source.kind, listing.items)
        version = listing.resource_version
        async for change in cluster.watch(source.kind, version, source.labels):
            if change.type == "DELETED":
                store.remove(source.kind, key_of(change.manifest))
            else:
                store.upsert(source.kind, change.manifest)

    monkeypatch.setattr(informer, "_list_and_watch", list_and_watch)


# So rare that of the simulation only a scripted scenario catches it.
NO_FENCE = Mutant(
    "a paused leader continues to act",
    0,
    _no_fence,
    unit_test="gpu_provisioner/cloud/test_fenced_cloud.py::test_follower_changes_nothing",
)

MUTANTS = (
    NO_FENCE,
    Mutant("every replica leads", 20, _everybody_leads),
    Mutant("timers do not fire", 20, _timers_do_not_ring),
    Mutant("a lost watch is resumed without a list", 200, _no_second_list),
)
