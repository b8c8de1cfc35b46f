"""The seam to the API server. Manifests are plain dicts in the API's JSON form."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kaito_kube.kinds import Kind, Manifest


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects at one moment, and the resource version to watch from."""

    items: Sequence[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change, with the object after it, or before it for a deletion."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    manifest: Manifest


class Cluster(Protocol):
    """Every method raises subclasses of ClusterError (errors.py) and no client library's errors."""

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        """Reads the object from the API server, not from a cache.

        Raises:
            NotFound: there is no such object.
        """
        ...

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        """Lists all objects, by default of all namespaces.

        A label of None selects objects that carry it with any value. `fields` is a field
        selector, for example {"spec.nodeName": "node-1"}.

        Raises:
            NotFound: the cluster does not serve the kind.
        """
        ...

    def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        """Streams the changes after that resource version until the server ends the stream.

        Raises:
            Expired: the resource version is too old; list again.
        """
        ...

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Creates the object.

        Raises:
            AlreadyExists: the name is taken.
        """
        ...

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Server-side apply with force: creates the object, or sets and owns the given fields."""
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
        """Sends a JSON merge patch. metadata.resourceVersion in it makes it conditional.

        Raises:
            Conflict: the object is not at that resource version any more.
            NotFound: there is no such object.
        """
        ...

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        """Starts the deletion; dependents are deleted in the background.

        Pods get their own grace period unless `grace_seconds` is set.

        Raises:
            NotFound: there is no such object.
        """
        ...

    async def evict(self, name: str, namespace: str) -> None:
        """Evicts a pod.

        Raises:
            Throttled: a disruption budget forbids it for now.
        """
        ...
