"""Drains a node as AKS does before it deletes its machine: pods are evicted, budgets decide."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tools.local_cluster.control_plane.kube_api import ApiError

# AKS waits for half an hour, and nobody who runs an emulator does.
DRAIN_SECONDS = 15.0
_PAUSE_SECONDS = 1.0
_MIRROR = "kubernetes.io/config.mirror"


class Api(Protocol):
    """What a drain needs of the API server; every method raises ApiError."""

    def get(self, path: str) -> dict[str, Any]: ...

    def create(self, path: str, manifest: Mapping[str, object]) -> dict[str, Any]: ...

    def merge(self, path: str, change: Mapping[str, object]) -> None: ...


def drain(
    api: Api,
    node: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Cordon the node and evict its pods. Return those that a budget still holds at the end of the
    drain's time, as `namespace/name`.

    Raises:
        ApiError: the API server rejects something else.
    """
    api.merge(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    ends = clock() + DRAIN_SECONDS
    while True:
        held = tuple(_name(pod) for pod in _pods(api, node) if not _evicted(api, pod))
        if not held or clock() >= ends:
            return held
        sleep(_PAUSE_SECONDS)


def _pods(api: Api, node: str) -> list[dict[str, Any]]:
    """The pods that a drain evicts: none of a DaemonSet, no static ones, none that have ended."""
    pods = api.get(f"/api/v1/pods?fieldSelector=spec.nodeName={node}")["items"]
    return [pod for pod in pods if not _stays(pod)]


def _stays(pod: dict[str, Any]) -> bool:
    metadata = pod["metadata"]
    owners = {owner["kind"] for owner in metadata.get("ownerReferences", ())}
    is_static = _MIRROR in metadata.get("annotations", {})
    has_ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return "DaemonSet" in owners or is_static or has_ended or "deletionTimestamp" in metadata


def _evicted(api: Api, pod: dict[str, Any]) -> bool:
    """Evict the pod; False if a budget forbids it."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
    }
    try:
        api.create(f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", eviction)
    except ApiError as error:
        if error.status == 429:
            return False
        if error.status != 404:
            raise
    return True


def _name(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
