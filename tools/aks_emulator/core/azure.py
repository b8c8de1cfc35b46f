"""The emulated Azure of one process: holds the state, and is the only place that changes it.

Every change is journalled before anyone can see it, and wakes whoever waits for one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tools.aks_emulator.core import shapes
from tools.aks_emulator.core.faults import Faults
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Cluster, Pool, PoolState, State
from tools.aks_emulator.core.pool_requests import Terms

SYSTEM_POOL = "system"

Clock = Callable[[], float]
"""Unix seconds. The wall clock, since times outlive the process; tests bring their own."""


class Azure:
    """`faults` and `calls` live as long as the process. The state outlives it, and goes with the
    Kubernetes cluster of `cluster_uid`: agent pools do not outlive their cluster."""

    def __init__(self, terms: Terms, journal: Journal, clock: Clock, cluster_uid: str = "") -> None:
        self.terms = terms
        self.clock = clock
        self.faults: Faults = ()
        self.calls: Counter[str] = Counter()
        self.changed = asyncio.Event()
        self._journal = journal
        recorded = journal.open()
        self._state = recorded if recorded is not None else State()
        if self._state.cluster.uid != cluster_uid:
            self.commit(State(cluster=Cluster(uid=cluster_uid)))
        if not self._state.pools:
            self.commit(self._state.with_pool(_system_pool(terms, clock())))

    @property
    def state(self) -> State:
        """The state as of now: whatever was due by now has happened."""
        self.commit(advance(self._state, self.clock()))
        return self._state

    def commit(self, new: State) -> None:
        """Replaces the state; `new` must be made from the one that is current."""
        if new is self._state:
            return
        self._journal.record(self._state, new)
        self._state = new
        self.changed.set()

    def set_limits(self, limits: dict[str, int]) -> None:
        self.commit(replace(self.state, limits={**self.state.limits, **limits}))


def _system_pool(terms: Terms, now: float) -> Pool:
    """The pool that every cluster has; its node is the one that the cluster was made with."""
    asked = {"count": 1, "vmSize": "Standard_D4s_v5", "mode": "System"}
    return Pool(
        name=SYSTEM_POOL,
        properties=shapes.with_defaults(asked, terms.kubernetes_version),
        state=PoolState.SUCCEEDED,
        created_at=now,
        boots_at=now,
        adopted=True,
    )
