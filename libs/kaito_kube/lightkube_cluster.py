"""`Cluster` on lightkube, with lightkube's and httpx2's errors translated to ours."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from json import JSONDecodeError
from typing import Any, Literal, Self, cast

import httpx2
import msgspec
from lightkube import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import exists
from lightkube.resources.core_v1 import Pod
from lightkube.types import CascadeType, OnErrorAction, OnErrorResult, PatchType

from kaito_kube import errors
from kaito_kube.aiohttp_transport import WatchEnded
from kaito_kube.clock import SteadyClock
from kaito_kube.cluster import Listing, WatchEvent
from kaito_kube.kinds import Kind, Manifest

# The server ends each watch after this long, so that a connection that died silently is detected.
WATCH_SECONDS = 240


@cache
def _resource(kind: Kind) -> Any:
    make = create_namespaced_resource if kind.namespaced else create_global_resource
    return make(kind.group, kind.version, kind.kind, kind.plural)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        status = error.status
        code = status.code or error.response.status_code
        raise errors.from_status(code, status.reason or "", _message(error)) from error
    except httpx2.HTTPStatusError as error:
        # httpx2 appends a line with a link to the status code's documentation.
        message = str(error).partition("\n")[0]
        raise errors.from_status(error.response.status_code, "", message) from error
    except httpx2.HTTPError as error:
        raise errors.Unavailable(f"no response: {type(error).__name__} {error}".strip()) from error
    except (msgspec.DecodeError, JSONDecodeError) as error:
        raise errors.Unavailable(f"not an API server's response: {error}") from error


class LightkubeCluster:
    """See `Cluster` for the contract of each method. An async context manager closes it."""

    def __init__(self, client: AsyncClient, clock: SteadyClock | None = None) -> None:
        self._client = client
        self.clock = clock or SteadyClock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        with _translated():
            found = await self._client.get(_resource(kind), name, **_namespace(kind, namespace))
        return _plain(found)

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        scope = (namespace or "*") if kind.namespaced else None
        with _translated():
            listing = self._client.list(
                _resource(kind),
                namespace=scope,
                labels=_selector(labels),
                fields=dict(fields) if fields else None,
                # client-go's page size.
                chunk_size=500,
            )
            items = [_typed(kind, item) async for item in listing]
            return Listing(items, listing.resourceVersion)

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        scope = "*" if kind.namespaced else None
        with _translated():
            async for type_, item in self._client.watch(
                _resource(kind),
                namespace=scope,
                labels=_selector(labels),
                resource_version=resource_version,
                server_timeout=WATCH_SECONDS,
                on_error=_stop_at_the_end,
            ):
                # Other types, such as bookmarks, carry no change.
                if type_ in ("ADDED", "MODIFIED", "DELETED"):
                    yield WatchEvent(cast(Any, type_), _typed(kind, item))

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        with _translated():
            stored = await self._client.create(_resource(kind)(_typed(kind, manifest)))
        return _plain(stored)

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        with _translated():
            stored = await self._client.apply(_resource(kind)(_typed(kind, manifest)), force=True)
        return _plain(stored)

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        resource = _resource(kind).Status if subresource else _resource(kind)
        with _translated():
            stored = await self._client.patch(
                resource, name, patch, patch_type=PatchType.MERGE, **_namespace(kind, namespace)
            )
        return _plain(stored)

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        with _translated():
            await self._client.delete(
                _resource(kind),
                name,
                grace_period=grace_seconds,
                cascade=CascadeType.BACKGROUND,
                **_namespace(kind, namespace),
            )

    async def evict(self, name: str, namespace: str) -> None:
        eviction = Pod.Eviction(metadata=ObjectMeta(name=name, namespace=namespace))
        with _translated():
            await self._client.create(eviction, name, namespace=namespace)


def _stop_at_the_end(error: Exception, _: int) -> OnErrorResult:
    return OnErrorResult(
        OnErrorAction.STOP if isinstance(error, WatchEnded) else OnErrorAction.RAISE
    )


def _message(error: ApiError) -> str:
    """The server's message and causes: a rejected eviction names its budget only in the causes."""
    status = error.status
    message = status.message or str(error)
    causes = (status.details.causes if status.details is not None else None) or ()
    more = [c.message for c in causes if c.message and c.message not in message]
    return " ".join([message, *more])


def _namespace(kind: Kind, namespace: str) -> dict[str, Any]:
    return {"namespace": namespace} if kind.namespaced else {}


def _selector(labels: Mapping[str, str | None] | None) -> Any:
    if labels is None:
        return None
    return {key: exists() if value is None else value for key, value in labels.items()}


def _plain(item: Any) -> Manifest:
    return cast(Manifest, item.to_dict())


def _typed(kind: Kind, item: Any) -> Manifest:
    """A plain manifest with apiVersion and kind, which list items and callers leave out."""
    plain = item if type(item) is dict else item.to_dict()
    return {"apiVersion": kind.api_version, "kind": kind.kind, **plain}
