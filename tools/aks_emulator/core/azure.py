"""The emulated Azure of one process: holds the state and is the only place that changes it.

Every change is written to the journal before anyone can see it, and wakes everyone waiting for one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tools.aks_emulator.core import pool_properties
from tools.aks_emulator.core.billing import booked
from tools.aks_emulator.core.cluster_settings import ClusterSettings
from tools.aks_emulator.core.faults import Faults
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Cluster, Pool, PoolState, State

SYSTEM_POOL = "system"

Clock = Callable[[], float]
"""Unix seconds. The wall clock, because times outlive the process; tests inject their own."""


class Azure:
    """Faults and call counters live in memory; the state is on disk and belongs to `cluster_uid`.

    A new Kubernetes cluster starts with an empty state: agent pools do not outlive their cluster.
    """

    def __init__(
        self, settings: ClusterSettings, journal: Journal, clock: Clock, cluster_uid: str = ""
    ) -> None:
        self.settings = settings
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
            self.commit(self._state.with_pool(_system_pool(settings, clock())))

    @property
    def state(self) -> State:
        """The current state, with every operation that is due completed."""
        self.commit(advance(self._state, self.clock()))
        return self._state

    def commit(self, new: State) -> None:
        """Replace the state; `new` must be derived from the current one."""
        if new is self._state:
            return
        new = booked(new, self.clock())
        self._journal.record(self._state, new)
        self._state = new
        self.changed.set()

    def set_limits(self, limits: dict[str, int]) -> None:
        self.commit(replace(self.state, limits={**self.state.limits, **limits}))

    def set_prices(self, prices: dict[str, float]) -> None:
        self.commit(replace(self.state, prices=prices))


def _system_pool(settings: ClusterSettings, now: float) -> Pool:
    """The pool that every cluster has; its node is the local cluster's own system node."""
    requested = {"count": 1, "vmSize": "Standard_D4s_v5", "mode": "System"}
    return Pool(
        name=SYSTEM_POOL,
        properties=pool_properties.with_defaults(requested, settings.kubernetes_version),
        state=PoolState.SUCCEEDED,
        created_at=now,
        boots_at=now,
        adopted=True,
    )
