"""A Cluster through which a process dies at one call: before or after it takes effect."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from kaito_kube.cluster import Cluster, Listing, WatchEvent
from kaito_kube.kinds import Kind, Manifest

Value = TypeVar("Value")


NEVER = 10**9


class Killed(Exception):
    """The process was killed by SIGKILL."""


@dataclass
class Crashing:
    """Dies at call number `at`, and at every later call, because the process is dead."""

    cluster: Cluster
    at: int
    when: Literal["before", "after"]
    calls: int = 0

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        return await self._through(self.cluster.get(kind, name, namespace))

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        call = self.cluster.list(kind, namespace=namespace, labels=labels, fields=fields)
        return await self._through(call)

    def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        return self.cluster.watch(kind, resource_version, labels)

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        return await self._through(self.cluster.create(kind, manifest))

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        return await self._through(self.cluster.apply(kind, manifest))

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        return await self._through(
            self.cluster.patch(kind, name, patch, namespace=namespace, subresource=subresource)
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        call = self.cluster.delete(kind, name, namespace, grace_seconds=grace_seconds)
        await self._through(call)

    async def evict(self, name: str, namespace: str) -> None:
        await self._through(self.cluster.evict(name, namespace))

    async def _through(self, call: Coroutine[Any, Any, Value]) -> Value:
        # As with a real server: others run while this one waits.
        await asyncio.sleep(0)
        number = self.calls
        self.calls += 1
        if number > self.at or (number == self.at and self.when == "before"):
            call.close()
            raise Killed(f"at call {number}")
        answer = await call
        if number == self.at:
            raise Killed(f"after call {number}")
        return answer
