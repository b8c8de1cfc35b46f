"""Instance types that a model fits, cheapest first, and why the others do not. Pure.

The fit is workspace-controller's own decision (`kaito_presets.sizing`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from kaito_api.workspace import WorkspaceSpec
from kaito_presets.engine import choose_engine, vllm_obstacle
from kaito_presets.incompatibility import unusable
from kaito_presets.preset import Preset
from kaito_presets.sizing import Sizing, SizingFailure, SizingInputs, size, usable_gpus
from kaito_skus.sku import Sku
from kubectl_kaito.quotas.source import QuotaSheet


@dataclass(frozen=True, slots=True)
class Offer:
    """Nodes of one instance type on which the model fits; `price` is of all, per hour."""

    sku: Sku
    nodes: int
    explanation: str
    price: float | None


# The chart's default of workspace-controller.settings.maxModelNodes; a test compares them.
DEFAULT_MAX_MODEL_NODES = 16


class RejectionKind(IntEnum):
    """Why an instance type does not do: what the user can change most easily comes first."""

    PRICE = 0
    QUOTA = 1
    FIT = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True)
class Rejection:
    """An instance type that does not do, and why."""

    sku: Sku
    kind: RejectionKind
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What has to fit.

    `max_nodes` and `release_engine` are settings of the release, `engine` is what the Workspace
    names itself.
    """

    spec: WorkspaceSpec
    preset: Preset
    context_tokens: int = 0
    max_nodes: int = DEFAULT_MAX_MODEL_NODES
    engine: str | None = None
    release_engine: str = "auto"
    serves: bool = True
    max_price: float | None = None


def offers(
    demand: Demand,
    skus: Iterable[Sku],
    prices: Mapping[str, float],
    quotas: QuotaSheet | None = None,
) -> tuple[list[Offer], list[Rejection]]:
    """`prices` are of one node per hour, by the instance type's name; others are unknown.

    What `quotas` does not know forbids nothing.
    """
    fitting: list[Offer] = []
    rejected: list[Rejection] = []
    for sku in skus:
        found = _offer(demand, sku, prices.get(sku.name))
        if isinstance(found, Offer) and quotas is not None:
            found = _within_quota(found, quotas)
        if isinstance(found, Offer):
            fitting.append(found)
        else:
            rejected.append(found)
    fitting.sort(key=_rank)
    rejected.sort(key=lambda each: (each.kind, each.sku.price_rank))
    return fitting, rejected


def node_prices(skus: Iterable[Sku]) -> dict[str, float]:
    """The recorded prices of those that have one."""
    return {sku.name: sku.price_usd_hour for sku in skus if sku.price_usd_hour is not None}


def is_named(sku: Sku, name: str | None) -> bool:
    """Whether that is a name of the instance type, in any case."""
    names = {each.casefold() for each in (sku.name, *sku.aliases)}
    return name is not None and name.casefold() in names


def retirement(sku: Sku) -> str:
    return f"Azure retires it: {sku.retired_on}"


def _offer(demand: Demand, sku: Sku, node_price: float | None) -> Offer | Rejection:
    named = demand.spec.resource.instance_type
    # workspace-controller requests what a Workspace names, whatever its date.
    if sku.retired_on is not None and not is_named(sku, named):
        return Rejection(sku, RejectionKind.RETIRED, retirement(sku))
    if (incompatibility := unusable(sku.gpus)) is not None:
        return Rejection(sku, RejectionKind.FIT, incompatibility.problem)
    found = size(demand.spec, _inputs(demand, sku))
    if isinstance(found, SizingFailure):
        return Rejection(sku, RejectionKind.FIT, found.message)
    price = None if node_price is None else found.nodes * node_price
    if demand.max_price is not None and (price is None or price > demand.max_price):
        return Rejection(sku, RejectionKind.PRICE, _too_dear(price, demand.max_price))
    return Offer(sku, found.nodes, _explanation(found), price)


def _within_quota(offer: Offer, quotas: QuotaSheet) -> Offer | Rejection:
    sku, needed = offer.sku, offer.nodes * offer.sku.vcpus
    if why := quotas.restricted.get(sku.name.lower()):
        return Rejection(
            sku,
            RejectionKind.QUOTA,
            f"the subscription does not get it in {quotas.region} ({why}): request access, or use "
            "another region",
        )
    counted = ((sku.quota_family, quotas.family(sku.quota_family)), ("the region", quotas.regional))
    for name, quota in counted:
        if quota is not None and quota.left < needed:
            return Rejection(
                sku,
                RejectionKind.QUOTA,
                f"needs {needed} vCPUs of {name}, {quota.left} of {quota.limit} left in "
                f"{quotas.region}: request more quota, or use another region",
            )
    return offer


def _inputs(demand: Demand, sku: Sku) -> SizingInputs:
    gpus = usable_gpus(sku.gpus, demand.spec)
    runs_vllm = vllm_obstacle(demand.preset, gpus) is None
    return SizingInputs(
        preset=demand.preset,
        gpus=gpus,
        context_tokens=demand.context_tokens,
        max_nodes=demand.max_nodes,
        serves=demand.serves,
        engine=choose_engine(demand.engine, demand.release_engine, runs_vllm=runs_vllm),
    )


def _too_dear(price: float | None, limit: float) -> str:
    if price is None:
        return f"its price is not known, and --max-price is ${limit:.2f}"
    return f"${price:.2f}/h is more than --max-price ${limit:.2f}"


def _explanation(found: Sizing) -> str:
    return found.estimate.explanation if found.estimate is not None else ""


def _rank(offer: Offer) -> tuple[float, int, str]:
    return (inf if offer.price is None else offer.price, offer.nodes, offer.sku.name)
