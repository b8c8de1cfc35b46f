"""Collects what a decision about an InferenceSet depends on. Decides nothing."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kaito_api import condition_types, labels
from kaito_api.conditions import is_true
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.kinds import (
    INFERENCE_SET,
    POD,
    SERVICE,
    WORKSPACE,
    Key,
    Manifest,
    key_of,
    labels_of,
)
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from workspace_controller.demand.recommendations import Recommendations
from workspace_controller.inference_sets.load_client import LoadClient
from workspace_controller.inference_sets.plan.observed import ObservedSet


@dataclass(frozen=True, slots=True)
class SetObserver:
    """Others feed the store, which may be behind."""

    cluster: Cluster
    store: Store
    clock: Clock
    loads: LoadClient
    recommendations: Recommendations
    prices: Callable[[], PriceBook]

    def observe_stored(self, manifest: Manifest) -> ObservedSet:
        """What the store has, without the Service: enough to see whether the demand scales it."""
        namespace = manifest["metadata"]["namespace"]
        neighbors = (w for w in self.store.all(WORKSPACE) if _is_in(w, namespace))
        return self._observed(manifest, neighbors, service=None)

    async def observe(self, manifest: Manifest) -> ObservedSet:
        """What the store has, and the Service, which is not watched.

        Raises:
            ClusterError: the API server could not be asked.
        """
        namespace = manifest["metadata"]["namespace"]
        neighbors = (w for w in self.store.all(WORKSPACE) if _is_in(w, namespace))
        return self._observed(manifest, neighbors, await self._service(manifest))

    async def observe_now(self, key: Key) -> ObservedSet | None:
        """What the API server has at this moment; None where the set is gone.

        The store does not show at once what the last pass created or deleted. Deciding from it
        would delete a second replica that serves in place of the first.

        Raises:
            ClusterError: the API server could not be asked.
        """
        try:
            manifest = await self.cluster.get(INFERENCE_SET, key.name, key.namespace)
        except NotFound:
            return None
        listing = await self.cluster.list(WORKSPACE, namespace=key.namespace)
        return self._observed(manifest, listing.items, await self._service(manifest))

    async def requests(self, observed: ObservedSet) -> Mapping[str, int]:
        """The requests in flight of each Workspace whose pods say so."""
        names = [
            w["metadata"]["name"]
            for w in observed.workspaces
            if is_true(w, condition_types.WORKSPACE_READY)
        ]
        namespace = observed.manifest["metadata"]["namespace"]
        found = await asyncio.gather(*(self._requests(name, namespace) for name in names))
        return {name: count for name, count in zip(names, found, strict=True) if count is not None}

    async def _requests(self, workspace: str, namespace: str) -> int | None:
        pods = self.store.select(POD, {labels.WORKSPACE: workspace}, namespace)
        addresses = [
            str(address)
            for pod in pods
            if labels_of(pod).get(labels.ROLE) == "inference"
            and (address := (pod.get("status") or {}).get("podIP"))
        ]
        counts = await asyncio.gather(*map(self.loads.requests, addresses))
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def _observed(
        self, manifest: Manifest, neighbors: Iterable[Manifest], service: Manifest | None
    ) -> ObservedSet:
        return ObservedSet(
            manifest=manifest,
            now=self.clock.now(),
            neighbors=tuple(neighbors),
            service=service,
            demand=self.recommendations.of(key_of(manifest)),
            node_price=node_price(manifest, self.prices()),
        )

    async def _service(self, manifest: Manifest) -> Manifest | None:
        metadata = manifest["metadata"]
        try:
            return await self.cluster.get(SERVICE, metadata["name"], metadata["namespace"])
        except NotFound:
            return None


def node_price(manifest: Manifest, prices: PriceBook) -> Decimal | None:
    """Dollars an hour of one node of the set's template; None where nobody knows."""
    spec = manifest.get("spec") or {}
    resource = (spec.get("template") or {}).get("resource") or {}
    selector = (spec.get("labelSelector") or {}).get("matchLabels") or {}
    spot = selector.get(labels.CAPACITY_TYPE) == "spot"
    quote = prices.quote(str(resource.get("instanceType") or ""), spot=spot)
    return quote.per_hour if quote is not None else None


def _is_in(manifest: Manifest, namespace: str) -> bool:
    return bool(manifest["metadata"].get("namespace") == namespace)
