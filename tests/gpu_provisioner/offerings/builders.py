"""Builds claims, SKUs and selection inputs for tables of tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gpu_provisioner.claims import claim as claims
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.availability import Availability, Quota, SkuAvailability
from gpu_provisioner.offerings import selection
from gpu_provisioner.offerings.instance_types import Catalog
from gpu_provisioner.offerings.preflight import Candidate
from gpu_provisioner.offerings.selection import NoOffering, Selection
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from gpu_provisioner.offerings.selector import AVAILABILITY_TTL
from gpu_provisioner.offerings.unavailable_offerings import UnavailableOfferings
from kaito_kube.kinds import MACHINE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CATALOG = Catalog.of("eastus")

TYPE = "node.kubernetes.io/instance-type"
ZONE = "topology.kubernetes.io/zone"
CAPACITY = "karpenter.sh/capacity-type"
SKU = "karpenter.azure.com/sku-"

T4 = "Standard_NC4as_T4_v3"
A10 = "Standard_NV36ads_A10_v5"
A100 = "Standard_NC24ads_A100_v4"
H100 = "Standard_NC40ads_H100_v5"
V100 = "Standard_NC6s_v3"
T4_FAMILY = "standard ncasv3_t4 family"
UNKNOWN = "Standard_NX99_Q5000_v9"

Row = tuple[Any, ...]
"""Key, operator, values and, optionally, minValues."""


def claim(
    *requirements: Row,
    labels: Mapping[str, str] | None = None,
    requests: Mapping[str, str] | None = None,
    name: str = "ws1",
) -> Claim:
    spec = {
        "requirements": [
            {"key": key, "operator": operator, "values": list(values), **_least(rest)}
            for key, operator, values, *rest in requirements
        ],
        "resources": {"requests": dict(requests or {})},
    }
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "labels": dict(labels or {}),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return claims.parse(MACHINE, {"metadata": metadata, "spec": spec})


def _least(rest: Sequence[int]) -> dict[str, int]:
    return {"minValues": rest[0]} if rest else {}


def named(*types: str) -> Row:
    return (TYPE, "In", types)


def sku(name: str, **changes: Any) -> SkuAvailability:
    """Return the SKU as the catalog has it, in three zones."""
    known = CATALOG.find(name)
    facts: dict[str, Any] = {"zones": frozenset({"1", "2", "3"}), **changes}
    return SkuAvailability(
        instance_type=name, family=known.family or "otherFamily", vcpus=known.vcpus or 4, **facts
    )


def availability(*skus: SkuAvailability, **quotas: tuple[int, int]) -> Availability:
    """Quotas are (used, limit) by name; `t4` is the T4's family, whose name has spaces."""
    limits = {T4_FAMILY if name == "t4" else name.lower(): had for name, had in quotas.items()}
    return Availability(
        skus={one.instance_type.lower(): one for one in skus},
        quotas={name: Quota(used=used, limit=limit) for name, (used, limit) in limits.items()},
        requested_at=NOW,
    )


def disabled(*skus: SkuAvailability) -> Availability:
    return replace(availability(*skus), problem="subscription s is Disabled")


def inputs(
    available: Availability | None = None,
    reserved: Mapping[str, int] | None = None,
    unavailable: UnavailableOfferings | None = None,
    now: datetime = NOW,
) -> SelectionInputs:
    return SelectionInputs(
        catalog=CATALOG,
        availability=available,
        refresh_at=(available.requested_at if available is not None else now) + AVAILABILITY_TTL,
        reserved=reserved or {},
        unavailable=unavailable or UnavailableOfferings(),
        now=now,
    )


def candidates(wanted: Claim, where: SelectionInputs) -> tuple[Candidate, ...]:
    found = selection.select(wanted, where)
    assert isinstance(found, Selection), found
    return found.candidates


def selected(wanted: Claim, where: SelectionInputs | None = None) -> list[str]:
    return [one.instance_type for one in candidates(wanted, where or inputs())]


def refused(wanted: Claim, where: SelectionInputs | None = None) -> NoOffering:
    found = selection.select(wanted, where or inputs())
    assert isinstance(found, NoOffering), found
    return found
