"""An informer: keeps a Store equal to what the API server has of one kind.

It lists and watches from the listed version. When the server ends the watch, as it does after some
minutes, it watches on from the last version; when a watch fails, it lists again.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from kaito_kube.cluster import Cluster, WatchEvent
from kaito_kube.errors import ClusterError, Expired, NotFound, Unavailable
from kaito_kube.feeds import Feed
from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, Kind, Manifest, key_of
from kaito_kube.store import Store
from kaito_process.backoff import Backoff

logger = logging.getLogger(__name__)

# Where CRDs cannot be watched (RBAC may forbid it), a missing kind is polled at this interval.
_KIND_POLL_SECONDS = 15.0
# The API server starts serving a kind a moment after it has stored the CRD.
_CRD_SETTLE_SECONDS = 0.5
# The server keeps a watch open for minutes.
_SHORTEST_WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WatchSource:
    """What to watch: a kind, narrowed to the objects with these labels.

    A label of None selects objects that carry it with any value. `optional` kinds may be missing
    from the cluster: the store then counts as synced, without objects.
    """

    kind: Kind
    labels: Mapping[str, str | None] | None = None
    optional: bool = False


async def run_informer(
    cluster: Cluster,
    store: Store,
    source: WatchSource,
    rng: random.Random | None = None,
    feed: Feed | None = None,
) -> None:
    """Runs until it is canceled. During an outage the store keeps its last state."""
    backoff = Backoff(rng=rng or random.Random())
    feed = feed or Feed(source.kind.plural)
    while True:
        try:
            await _list_and_watch(cluster, store, source, feed)
        except Expired:
            # Nothing is wrong with the server: list again at once.
            continue
        except NotFound:
            feed.heard()
            if store.is_kind_served(source.kind):
                logger.info(
                    "the cluster does not serve %s (%s) yet; waiting for its CRD",
                    source.kind.kind,
                    source.kind.api_version,
                )
            if source.optional:
                store.mark_kind_missing(source.kind)
            await _wait_for_crd(cluster, source.kind, feed)
        except ClusterError as error:
            feed.failed(error)
            await asyncio.sleep(backoff.next_seconds(asyncio.get_running_loop().time()))


async def _list_and_watch(cluster: Cluster, store: Store, source: WatchSource, feed: Feed) -> None:
    listing = await cluster.list(source.kind, labels=source.labels)
    feed.heard()
    store.replace_all(source.kind, listing.items)
    version = listing.resource_version
    while True:
        async for change in _changes(cluster, source.kind, version, source.labels, feed):
            version = change.manifest["metadata"]["resourceVersion"]
            if change.type == "DELETED":
                store.remove(source.kind, key_of(change.manifest))
            else:
                store.upsert(source.kind, change.manifest)


async def _changes(
    cluster: Cluster,
    kind: Kind,
    version: str,
    labels: Mapping[str, str | None] | None,
    feed: Feed,
) -> AsyncGenerator[WatchEvent, None]:
    """The changes of one bounded watch.

    Raises:
        Unavailable: it ended at once and without an event, as behind a proxy without a server.
    """
    loop, changes = asyncio.get_running_loop(), 0
    started = loop.time()
    # Closed with this one: whoever has heard enough leaves no watch open.
    async with aclosing(cluster.watch(kind, version, labels)) as watching:
        with feed.watching():
            async for change in watching:
                changes += 1
                feed.heard()
                yield change
    if not changes and loop.time() - started < _SHORTEST_WATCH_SECONDS:
        raise Unavailable("the watch ended at once, without an event")
    feed.heard()


async def _wait_for_crd(cluster: Cluster, kind: Kind, feed: Feed) -> None:
    """Returns once a CRD serves the kind, or when it is time to look for the kind again."""
    fields = {"metadata.name": _crd_name(kind)}
    try:
        listing = await cluster.list(CUSTOM_RESOURCE_DEFINITION, fields=fields)
        feed.heard()
        if not any(_serves(crd, kind) for crd in listing.items):
            version = listing.resource_version
            watching = _changes(cluster, CUSTOM_RESOURCE_DEFINITION, version, None, feed)
            async with aclosing(watching) as changes:
                async for change in changes:
                    if change.type != "DELETED" and _serves(change.manifest, kind):
                        break
    except ClusterError as error:
        logger.debug("cannot watch CRDs: %s", error)
        await asyncio.sleep(_KIND_POLL_SECONDS)
    await asyncio.sleep(_CRD_SETTLE_SECONDS)


def _crd_name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


def _serves(crd: Manifest, kind: Kind) -> bool:
    """Whether the CRD serves the kind in our version; an older or newer provisioner may not."""
    return crd["metadata"]["name"] == _crd_name(kind) and any(
        version["name"] == kind.version and version["served"] for version in crd["spec"]["versions"]
    )
