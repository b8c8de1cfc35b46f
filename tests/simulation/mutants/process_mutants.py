"""Bugs in leadership, timers and watches."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import pytest

from kaito_kube import clock as clocks
from kaito_kube import informer
from kaito_kube.clock import Clock, SteadyClock
from kaito_kube.cluster import Cluster
from kaito_kube.feeds import Feed
from kaito_kube.informer import WatchSource
from kaito_kube.kinds import Kind, key_of
from kaito_kube.leader_election import Leadership, LeaseConfig
from kaito_kube.store import Store
from kaito_kube.work_queue import WorkQueue
from tests.simulation.fault_injector import Fault
from tests.simulation.loop import CURRENT_PROCESS
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.process import Process


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


def _acts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait_until_synced(self: Store, kinds: Iterable[Kind]) -> None:
        return

    monkeypatch.setattr(Store, "wait_until_synced", wait_until_synced)


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


def _time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    def now(self: SteadyClock) -> datetime:
        """Outside the simulation, in unit tests, it is that of the real machine."""
        process = CURRENT_PROCESS.get()
        if isinstance(process, Process):
            return process.machine_clock.now()
        return clocks.datetime.now(UTC)  # type: ignore[attr-defined]

    monkeypatch.setattr(SteadyClock, "now", now)


def _own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SteadyClock, "adopt", lambda self, moment: None)


# So rare that of the simulation only a scripted scenario catches it.
NO_FENCE = Mutant(
    "a paused leader continues to act",
    0,
    _no_fence,
    unit_test="gpu_provisioner/cloud/test_fenced_cloud.py::test_follower_changes_nothing",
)

MUTANTS = (
    NO_FENCE,
    Mutant("every replica leads", 500, _everybody_leads),
    Mutant(
        "a new leader acts before everything is listed",
        0,
        _acts_at_once,
        unit_test="gpu_provisioner/controllers/test_new_leader.py::"
        "test_replica_leads_when_nodes_are_listed_and_drains_before_it_deletes_a_pool",
    ),
    Mutant("timers do not fire", 500, _timers_do_not_ring),
    Mutant("a lost watch is resumed without a list", 1000, _no_second_list),
    Mutant(
        "spans are measured with the time of day",
        500,
        _time_of_day,
        needs=Fault.CLOCK_SET,
        unit_test="kaito_kube/test_clock.py::test_machine_whose_time_of_day_is_set_changes_nothing",
    ),
    Mutant(
        "the API server's time is not adopted",
        1000,
        _own_time,
        needs=Fault.CLOCK_SET,
        unit_test="kaito_kube/test_clock.py::"
        "test_clock_continues_from_the_first_time_that_it_adopts",
    ),
)
