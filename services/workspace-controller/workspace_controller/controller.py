"""The leader's work: one loop per Workspace over a store that informers and kopf keep true."""

import asyncio
import logging
import random
from dataclasses import dataclass

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.cluster import Cluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import Manifest, key_of
from kaito_kube.store import Store
from kaito_kube.work_queue import RateLimit, WorkQueue
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.reconciler import Reconciler
from workspace_controller.settings import Settings
from workspace_controller.waking import CHILD_KINDS, Waker

logger = logging.getLogger(__name__)
_SYNC_POLL_S = 0.05

_OWN = {labels.WORKSPACE: None}

# What is watched besides Workspaces. All nodes: which of them match is the user's word. All kinds
# of claims, whichever is asked for now: what was asked for before an upgrade counts, and costs.
WATCH_SOURCES = (
    WatchSource(kinds.NODE),
    *(WatchSource(kind, _OWN, optional=kind in CLAIM_KINDS) for kind in CHILD_KINDS),
)


@dataclass(frozen=True, slots=True)
class Controller:
    """Both replicas feed; only the one that leads reconciles."""

    cluster: Cluster
    store: Store
    loops: WorkQueue
    watch_sources: tuple[WatchSource, ...] = WATCH_SOURCES

    def feed(self, gone: bool, manifest: Manifest) -> None:
        """Takes a Workspace as it was seen."""
        if gone:
            self.store.remove(kinds.WORKSPACE, key_of(manifest))
        else:
            self.store.upsert(kinds.WORKSPACE, manifest)

    async def keep_true(self) -> None:
        """Feeds the store with everything but Workspaces, until it is cancelled."""
        async with asyncio.TaskGroup() as feeding:
            for source in self.watch_sources:
                feeding.create_task(run_informer(self.cluster, self.store, source, self.loops.rng))

    def unlisted(self) -> list[str]:
        """Kinds that are not in the store yet."""
        return [i.kind.kind for i in self.watch_sources if not self.store.is_synced(i.kind)]

    async def lead(self) -> None:
        """Reconciles until it is cancelled. Begins when the picture is whole: before that, what
        is not seen may well be there."""
        while self.unlisted():
            await asyncio.sleep(_SYNC_POLL_S)
        listing = await self.cluster.list(kinds.WORKSPACE)
        for manifest in listing.items:
            self.store.upsert(kinds.WORKSPACE, manifest)
        self.loops.start()
        logger.info("reconciling %d workspaces", len(listing.items))
        try:
            await asyncio.Event().wait()
        finally:
            await self.loops.stop()


def controller(
    cluster: Cluster,
    store: Store,
    reconciler: Reconciler,
    settings: Settings,
    rng: random.Random,
) -> Controller:
    pace = RateLimit(concurrency=settings.concurrency)
    loops = WorkQueue("workspace", reconciler.reconcile, pace, rng)
    Waker(store, loops.enqueue)
    return Controller(cluster, store, loops)
