"""Parses an agent pool from ARM's JSON."""

from collections.abc import Mapping
from typing import Any

from gpu_provisioner.cloud.azure.errors import failure
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool, PoolState


def pool(item: Mapping[str, Any]) -> Pool:
    """Parse plain JSON or the SDK's model, which is a mapping with the same keys."""
    properties: Mapping[str, Any] = item["properties"]
    return Pool(
        name=item["name"],
        state=_state(properties.get("provisioningState")),
        instance_type=properties.get("vmSize") or "",
        count=_count(properties),
        tags=dict(properties.get("tags") or {}),
        labels=dict(properties.get("nodeLabels") or {}),
        image=properties.get("nodeImageVersion") or "",
        kubernetes_version=properties.get("currentOrchestratorVersion") or "",
        running=(properties.get("powerState") or {}).get("code") != "Stopped",
        error=_error(properties),
        zones=tuple(properties.get("availabilityZones") or ()),
        spot=properties.get("scaleSetPriority") == "Spot",
        etag=properties.get("eTag") or "",
    )


def _count(properties: Mapping[str, Any]) -> int:
    """Return how many machines the pool should have. Only a number says that somebody scaled it."""
    count = properties.get("count")
    return 1 if count is None else int(count)


def _state(text: str | None) -> PoolState:
    try:
        return PoolState(text or "Creating")
    except ValueError:
        return PoolState.UNKNOWN


def _error(properties: Mapping[str, Any]) -> CloudError | None:
    """Return why the last operation on the pool failed, or None."""
    detail = (properties.get("status") or {}).get("provisioningError")
    if not detail:
        return None
    return failure(detail)
