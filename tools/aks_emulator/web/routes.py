"""The supported calls of Resource Manager, and matching a path to one of them. Pure.

Like Resource Manager, matching ignores case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

SUBSCRIPTION = "/subscriptions/{subscription}"
CLUSTER = (
    f"{SUBSCRIPTION}/resourceGroups/{{group}}/providers/Microsoft.ContainerService"
    "/managedClusters/{cluster}"
)
POOLS = f"{CLUSTER}/agentPools"
POOL = f"{POOLS}/{{pool}}"
CONTAINER_LOCATION = f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/{{location}}"
COMPUTE = f"{SUBSCRIPTION}/providers/Microsoft.Compute"
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_POOLS = f"{_CLUSTERS}/agentPools"
_LOCATIONS = "Microsoft.ContainerService/locations"


@dataclass(frozen=True)
class Route:
    """`operation` names the call in faults and counters; `action` is the RBAC action."""

    operation: str
    method: str
    template: str
    action: str

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.template.strip("/").split("/"))

    @property
    def writes(self) -> bool:
        return self.method != "GET"


ROUTES = (
    Route("subscriptions.get", "GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions/read"),
    Route("managedClusters.get", "GET", CLUSTER, f"{_CLUSTERS}/read"),
    Route("managedClusters.stop", "POST", f"{CLUSTER}/stop", f"{_CLUSTERS}/stop/action"),
    Route("managedClusters.start", "POST", f"{CLUSTER}/start", f"{_CLUSTERS}/start/action"),
    Route("agentPools.list", "GET", POOLS, f"{_POOLS}/read"),
    Route("agentPools.get", "GET", POOL, f"{_POOLS}/read"),
    Route(
        "agentPools.upgradeProfile", "GET", f"{POOL}/upgradeProfiles/default",
        f"{_POOLS}/upgradeProfiles/read",
    ),
    Route("agentPools.put", "PUT", POOL, f"{_POOLS}/write"),
    Route("agentPools.delete", "DELETE", POOL, f"{_POOLS}/delete"),
    Route("agentPools.abort", "POST", f"{POOL}/abort", f"{_POOLS}/abort/action"),
    Route(
        "operations.get", "GET", f"{CONTAINER_LOCATION}/operations/{{operation}}",
        f"{_LOCATIONS}/operations/read",
    ),
    Route(
        "operationresults.get", "GET", f"{CONTAINER_LOCATION}/operationresults/{{operation}}",
        f"{_LOCATIONS}/operationresults/read",
    ),
    Route(
        "usages.list", "GET", f"{COMPUTE}/locations/{{location}}/usages",
        "Microsoft.Compute/locations/usages/read",
    ),
    Route("skus.list", "GET", f"{COMPUTE}/skus", "Microsoft.Compute/skus/read"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    route: Route
    params: Mapping[str, str]


def match(method: str, path: str) -> Match | None:
    return next((m for m in _matches(path) if m.route.method == method), None)


def is_known(path: str) -> bool:
    """Whether the path is supported with any method."""
    return bool(_matches(path))


def _matches(path: str) -> list[Match]:
    segments = path.strip("/").split("/")
    found = ((route, _params(route.segments, segments)) for route in ROUTES)
    return [Match(route, params) for route, params in found if params is not None]


def _params(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    params: dict[str, str] = {}
    for expected, given in zip(template, segments, strict=True):
        if expected.startswith("{"):
            params[expected[1:-1]] = given
        elif expected.lower() != given.lower():
            return None
    return params
