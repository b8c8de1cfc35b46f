"""Keeps a Store true: lists, watches from there, and lists again when the watch is lost."""

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

_RETRY_SECONDS = 1.0
_KIND_MISSING_SECONDS = 15.0
# A new definition is served a moment after it is there.
_KIND_COMES_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WatchSource:
    """A kind, of it only what carries these labels (None: carries the label at all), and
    whether a cluster that does not know the kind is fine."""

    kind: Kind
    labels: Mapping[str, str | None] | None = None
    optional: bool = False


async def run_informer(
    cluster: Cluster, store: Store, source: WatchSource, rng: random.Random | None = None
) -> None:
    """Runs until it is cancelled. Outages are waited out; the store keeps its last state."""
    rng = rng or random.Random()
    while True:
        try:
            await _list_and_watch(cluster, store, source)
        except Expired:
            continue
        except NotFound:
            if source.optional:
                store.mark_kind_missing(source.kind)
            logger.info("the cluster has no %s", source.kind.kind)
            await _until_defined(cluster, source.kind)
        except ClusterError as error:
            logger.warning("watching %s: %s", source.kind.plural, error)
            await asyncio.sleep(_RETRY_SECONDS * (1 + rng.random()))


async def _list_and_watch(cluster: Cluster, store: Store, source: WatchSource) -> None:
    listing = await cluster.list(source.kind, labels=source.labels)
    store.replace_all(source.kind, listing.items)
    async for change in cluster.watch(source.kind, listing.resource_version, source.labels):
        if change.type == "DELETED":
            store.remove(source.kind, key_of(change.manifest))
        else:
            store.upsert(source.kind, change.manifest)


async def _until_defined(cluster: Cluster, kind: Kind) -> None:
    """Returns when the kind is defined in its version, or some time after that could not be
    watched for."""
    fields = {"metadata.name": _definition_name(kind)}
    try:
        listing = await cluster.list(CUSTOM_RESOURCE_DEFINITION, fields=fields)
        if not any(_defines(found, kind) for found in listing.items):
            version = listing.resource_version
            async for change in cluster.watch(CUSTOM_RESOURCE_DEFINITION, version):
                if change.type != "DELETED" and _defines(change.manifest, kind):
                    break
    except ClusterError as error:
        logger.info("definitions of kinds cannot be watched: %s", error)
        await asyncio.sleep(_KIND_MISSING_SECONDS)
    await asyncio.sleep(_KIND_COMES_SECONDS)


def _definition_name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


def _defines(definition: Manifest, kind: Kind) -> bool:
    """An older or newer provisioner defines the kind in other versions than the one asked for."""
    return definition["metadata"]["name"] == _definition_name(kind) and any(
        version["name"] == kind.version and version["served"]
        for version in definition["spec"]["versions"]
    )
