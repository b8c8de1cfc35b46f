"""An informer: keeps a Store equal to what the API server has of one kind.

It lists, watches from the listed version, and lists again whenever the watch ends.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass

from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError, Expired, NotFound
from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, Kind, Manifest, key_of
from kaito_kube.store import Store

logger = logging.getLogger(__name__)

# Jittered to between one and two times this, so that informers do not all list at once when the
# API server returns.
_RETRY_SECONDS = 1.0
# Where CRDs cannot be watched (RBAC may forbid it), a missing kind is polled at this interval.
_KIND_POLL_SECONDS = 15.0
# The API server starts serving a kind a moment after it has stored the CRD.
_CRD_SETTLE_SECONDS = 0.5


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
    cluster: Cluster, store: Store, source: WatchSource, rng: random.Random | None = None
) -> None:
    """Runs until it is canceled. During an outage the store keeps its last state."""
    rng = rng or random.Random()
    while True:
        try:
            await _list_and_watch(cluster, store, source)
        except Expired:
            # Nothing is wrong with the server: list again at once.
            continue
        except NotFound:
            if source.optional:
                store.mark_kind_missing(source.kind)
            logger.info(
                "the cluster does not serve %s (%s) yet; waiting for its CRD",
                source.kind.kind,
                source.kind.api_version,
            )
            await _wait_for_crd(cluster, source.kind)
        except ClusterError as error:
            logger.warning("cannot watch %s: %s", source.kind.plural, error)
            await asyncio.sleep(_RETRY_SECONDS * (1 + rng.random()))


async def _list_and_watch(cluster: Cluster, store: Store, source: WatchSource) -> None:
    listing = await cluster.list(source.kind, labels=source.labels)
    store.replace_all(source.kind, listing.items)
    async for change in cluster.watch(source.kind, listing.resource_version, source.labels):
        if change.type == "DELETED":
            store.remove(source.kind, key_of(change.manifest))
        else:
            store.upsert(source.kind, change.manifest)


async def _wait_for_crd(cluster: Cluster, kind: Kind) -> None:
    """Returns once a CRD serves the kind, or after a pause if CRDs cannot be watched."""
    fields = {"metadata.name": _crd_name(kind)}
    try:
        listing = await cluster.list(CUSTOM_RESOURCE_DEFINITION, fields=fields)
        if not any(_serves(crd, kind) for crd in listing.items):
            version = listing.resource_version
            async for change in cluster.watch(CUSTOM_RESOURCE_DEFINITION, version):
                if change.type != "DELETED" and _serves(change.manifest, kind):
                    break
    except ClusterError as error:
        logger.info("cannot watch CRDs: %s", error)
        await asyncio.sleep(_KIND_POLL_SECONDS)
    await asyncio.sleep(_CRD_SETTLE_SECONDS)


def _crd_name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


def _serves(crd: Manifest, kind: Kind) -> bool:
    """Whether the CRD serves the kind in our version; an older or newer provisioner may not."""
    return crd["metadata"]["name"] == _crd_name(kind) and any(
        version["name"] == kind.version and version["served"] for version in crd["spec"]["versions"]
    )
