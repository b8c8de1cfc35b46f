"""Wrong ways to look after everything at once: leadership, timers, watches."""

from collections.abc import Awaitable, Callable

import pytest

from kaito_kube import informer
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.informer import Interest
from kaito_kube.kinds import key_of
from kaito_kube.lease import LeaseTerms, Tenure
from kaito_kube.loops import KeyedLoops
from kaito_kube.store import Store
from tests.simulation.mutants.mutant import Mutant


def _everybody_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lead(
        cluster: Cluster,
        clock: Clock,
        terms: LeaseTerms,
        work: Callable[[], Awaitable[None]],
        tenure: Tenure,
    ) -> None:
        tenure.extend(float("inf"))
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


# So rare that only a story told step by step catches it.
NO_FENCE = Mutant("a leader that stood still acts on", 0, _no_fence)

MUTANTS = (
    Mutant("everybody leads", 20, _everybody_leads),
    Mutant("timers do not ring", 20, _timers_do_not_ring),
    Mutant("a lost watch begins again without a list", 200, _no_second_list),
)
