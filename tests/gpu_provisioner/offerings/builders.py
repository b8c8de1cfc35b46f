"""Claims, offers and scenes for the tables of tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gpu_provisioner.claims import claim as claims
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.availability import Market, Offer, Quota
from gpu_provisioner.offerings import selection
from gpu_provisioner.offerings.instance_types import Catalogue
from gpu_provisioner.offerings.preflight import Candidate, Scene
from gpu_provisioner.offerings.selection import Chosen, Refused
from gpu_provisioner.offerings.selector import MARKET_KEPT
from gpu_provisioner.offerings.unavailable_offerings import Unavailable
from kaito_kube.kinds import MACHINE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CATALOGUE = Catalogue.of("eastus")

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
"""key, operator, values, and minValues where it has them."""


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


def offer(name: str, **changes: Any) -> Offer:
    """As the catalogue has it, in three zones."""
    known = CATALOGUE.find(name)
    facts: dict[str, Any] = {"zones": frozenset({"1", "2", "3"}), **changes}
    return Offer(
        instance_type=name, family=known.family or "otherFamily", vcpus=known.vcpus or 4, **facts
    )


def market(*offers: Offer, **quotas: tuple[int, int]) -> Market:
    """Quotas as (used, limit) by name; `t4` is the T4's family, whose own name has blanks."""
    limits = {T4_FAMILY if name == "t4" else name.lower(): had for name, had in quotas.items()}
    return Market(
        offers={one.instance_type.lower(): one for one in offers},
        quotas={name: Quota(used=used, limit=limit) for name, (used, limit) in limits.items()},
        asked=NOW,
    )


def disabled(*offers: Offer) -> Market:
    return replace(market(*offers), trouble="subscription s is Disabled")


def scene(
    goods: Market | None = None,
    promised: Mapping[str, int] | None = None,
    unavailable: Unavailable | None = None,
    now: datetime = NOW,
) -> Scene:
    return Scene(
        catalogue=CATALOGUE,
        market=goods,
        due=(goods.asked if goods is not None else now) + MARKET_KEPT,
        promised=promised or {},
        unavailable=unavailable or Unavailable(),
        now=now,
    )


def candidates(asked: Claim, where: Scene) -> tuple[Candidate, ...]:
    found = selection.choose(asked, where)
    assert isinstance(found, Chosen), found
    return found.candidates


def chosen(asked: Claim, where: Scene | None = None) -> list[str]:
    return [one.instance_type for one in candidates(asked, where or scene())]


def refused(asked: Claim, where: Scene | None = None) -> Refused:
    found = selection.choose(asked, where or scene())
    assert isinstance(found, Refused), found
    return found
