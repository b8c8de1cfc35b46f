"""The seam to the API server. Manifests are plain dicts in the API's own form."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kaito_kube.kinds import Kind, Manifest


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything there was at one moment, and the moment's name to watch from."""

    items: Sequence[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: the object as it stands after it, or stood before its deletion."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    manifest: Manifest


class Cluster(Protocol):
    """Every method raises the errors of `errors.py` and nothing else of the outside's."""

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        """The object now, read through to the store. Raises NotFound."""
        ...

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        """All objects, of all namespaces where none is given; a label of None must exist.
        NotFound means that the cluster does not know the kind."""
        ...

    def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncIterator[WatchEvent]:
        """Changes since that moment, until the server ends the stream. Raises Expired when the
        moment is too old: list again."""
        ...

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Raises AlreadyExists."""
        ...

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Server-side apply: creates it, or makes the named fields so, taking them over."""
        ...

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        """JSON merge patch. With metadata.resourceVersion in it, raises Conflict when the object
        changed since. Raises NotFound."""
        ...

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        """Starts the deletion, dependents in the background; a pod gets its own grace period
        where none is given. Raises NotFound."""
        ...

    async def evict(self, name: str, namespace: str) -> None:
        """Asks for a pod's eviction. Raises Throttled while a disruption budget forbids it."""
        ...
