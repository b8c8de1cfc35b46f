"""The controller of Workspaces: a store that informers and kopf fill, and a work queue over it."""

import asyncio
import logging
import random
from dataclasses import dataclass

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.cluster import Cluster
from kaito_kube.feeds import Feeds
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import Manifest, key_of
from kaito_kube.store import Store
from kaito_kube.work_queue import RateLimit, WorkQueue
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.reconciler import Reconciler
from workspace_controller.settings import Settings
from workspace_controller.triggers import CHILD_KINDS, Triggers

logger = logging.getLogger(__name__)

_BELONGS_TO_WORKSPACE = {labels.WORKSPACE: None}

# Workspaces are missing here: kopf watches those. Nodes are watched without a selector, because a
# Workspace's own labelSelector decides which of them match. All kinds of claims are watched, not
# only the one that the settings name: claims from before an upgrade still count, and cost.
WATCH_SOURCES = (
    WatchSource(kinds.NODE),
    WatchSource(kinds.NAMESPACE),
    # Where somebody else manages the CRDs, this one may come later.
    WatchSource(kinds.INFERENCE_SET, optional=True),
    *(
        WatchSource(kind, _BELONGS_TO_WORKSPACE, optional=kind in CLAIM_KINDS)
        for kind in CHILD_KINDS
    ),
)


@dataclass(frozen=True, slots=True)
class Controller:
    """Every replica keeps the store up to date; only the leader reconciles.

    `queue` is that of Workspaces, `set_queue` that of InferenceSets.
    """

    cluster: Cluster
    store: Store
    queue: WorkQueue
    set_queue: WorkQueue | None = None
    watch_sources: tuple[WatchSource, ...] = WATCH_SOURCES

    def update_workspace(self, deleted: bool, manifest: Manifest) -> None:
        """Records a Workspace in the store, whose triggers enqueue what has to be reconciled."""
        if deleted:
            self.store.remove(kinds.WORKSPACE, key_of(manifest))
        else:
            self.store.upsert(kinds.WORKSPACE, manifest)

    async def run_informers(self, feeds: Feeds) -> None:
        """Keeps everything but Workspaces up to date in the store, until it is canceled."""
        async with asyncio.TaskGroup() as informers:
            for source in self.watch_sources:
                feed, rng = feeds.open(source.kind.plural), self.queue.rng
                informers.create_task(run_informer(self.cluster, self.store, source, rng, feed))

    def unlisted_kinds(self) -> list[str]:
        """Kinds, as their feeds are called, whose first listing is still missing."""
        return [
            source.kind.plural
            for source in self.watch_sources
            if not self.store.is_synced(source.kind)
        ]

    async def reconcile_all(self) -> None:
        """Reconciles until it is canceled. The leader runs it."""
        # Before every kind is listed, an object that is missing from the store may well exist.
        await self.store.wait_until_synced(source.kind for source in self.watch_sources)
        # kopf does not say when its listing is complete, so a new leader lists by itself.
        listing = await self.cluster.list(kinds.WORKSPACE)
        for manifest in listing.items:
            self.store.upsert(kinds.WORKSPACE, manifest)
        queues = [self.queue, *([self.set_queue] if self.set_queue is not None else [])]
        for queue in queues:
            queue.start()
        logger.info("reconciling %d workspaces", len(listing.items))
        try:
            await asyncio.Event().wait()
        finally:
            for queue in queues:
                await queue.stop()


def build_controller(
    cluster: Cluster,
    store: Store,
    reconciler: Reconciler,
    settings: Settings,
    rng: random.Random,
    set_queue: WorkQueue | None = None,
) -> Controller:
    rate_limit = RateLimit(concurrency=settings.concurrency)
    queue = WorkQueue("workspace", reconciler.reconcile, rate_limit, rng)
    Triggers(store, queue.enqueue)
    reconciler.observer.rollout.add_listener(queue.enqueue)
    return Controller(cluster, store, queue, set_queue)
