"""A `Cluster` that lets only the leader write.

Work is canceled when leadership is lost. A process that was suspended (stopped, starved of CPU,
migrated) learns of it too late for that: it may send a write first. So every write checks the
clock before it is sent.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal

from kaito_kube.cluster import Cluster, Listing, WatchEvent
from kaito_kube.kinds import Kind, Manifest
from kaito_kube.leader_election import Leadership


@dataclass(frozen=True, slots=True)
class FencedCluster:
    """See `Cluster` for the contract of each method. Writes also raise NotLeader."""

    cluster: Cluster
    leadership: Leadership

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        return await self.cluster.get(kind, name, namespace)

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        return await self.cluster.list(kind, namespace=namespace, labels=labels, fields=fields)

    def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        return self.cluster.watch(kind, resource_version, labels)

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        self.leadership.check()
        return await self.cluster.create(kind, manifest)

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        self.leadership.check()
        return await self.cluster.apply(kind, manifest)

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        self.leadership.check()
        return await self.cluster.patch(
            kind, name, patch, namespace=namespace, subresource=subresource
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        self.leadership.check()
        await self.cluster.delete(kind, name, namespace, grace_seconds=grace_seconds)

    async def evict(self, name: str, namespace: str) -> None:
        self.leadership.check()
        await self.cluster.evict(name, namespace)
