"""The offers for a model, and why the others do not do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from kaito_skus.price_sheet import PriceSheet
from kaito_skus.sku import PriceList, Sku
from kubectl_kaito.offers import (
    Demand,
    Offer,
    Rejection,
    is_named,
    node_prices,
    offers,
    retirement,
)
from kubectl_kaito.output import View


class OfferView(View):
    instance_type: str
    gpus: str = Field(description="The GPUs of one node.")
    nodes: int
    vcpus: int = Field(description="Of all nodes: what they take of the quota.")
    quota_family: str | None = Field(description="The VM family whose quota they take.")
    price_per_hour: float | None = Field(description="Of all nodes; null: unknown.")
    spot_price_per_hour: float | None
    explanation: str = Field(description="The arithmetic of the fit.")


class RejectedView(View):
    instance_type: str
    gpus: str
    why: str


class PriceSourceView(View):
    name: str
    region: str
    as_of: str = Field(description="When the prices were read or recorded.")


class PlanView(View):
    model: str
    purpose: str = Field(description="serving, or tuning with its method.")
    requested: str | None = Field(description="The instance type that the file names.")
    requested_fits: bool | None
    offers: list[OfferView] = Field(description="Cheapest first.")
    rejected: list[RejectedView] = Field(description="Cheapest first.")
    prices: PriceSourceView
    notes: list[str] = Field(description="What the plan does not know, and what it assumes.")
    applied: str | None = Field(description="The Workspace that --apply wrote.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """`sheet` is None where the price list could not be read: `recorded` says of when ours are."""

    demand: Demand
    skus: Sequence[Sku]
    region: str
    sheet: PriceSheet | None
    recorded: PriceList
    notes: Sequence[str] = ()


def plan(inputs: PlanInputs) -> PlanView:
    spec, sheet = inputs.demand.spec, inputs.sheet
    if sheet is None:
        prices = node_prices(inputs.skus)
    else:
        listed = sheet.prices.items()
        prices = {name: p.on_demand for name, p in listed if p.on_demand is not None}
    fitting, rejected = offers(inputs.demand, inputs.skus, prices)
    named = spec.resource.instance_type
    fits = None if named is None else any(is_named(offer.sku, named) for offer in fitting)
    return PlanView(
        model=inputs.demand.preset.name,
        purpose="serving" if spec.tuning is None else f"tuning with {spec.tuning.method}",
        requested=named,
        requested_fits=fits,
        offers=[_offer(offer, sheet) for offer in fitting],
        rejected=[_rejected(each) for each in rejected],
        prices=_source(inputs),
        notes=[*inputs.notes, *_notes(inputs)],
        applied=None,
    )


def rejection_of(view: PlanView, instance_type: str) -> str | None:
    """Why that instance type does not do; None where nothing is known about it."""
    wanted = instance_type.casefold()
    return next((r.why for r in view.rejected if r.instance_type.casefold() == wanted), None)


def _offer(offer: Offer, sheet: PriceSheet | None) -> OfferView:
    listed = sheet.prices.get(offer.sku.name) if sheet is not None else None
    spot = listed.spot if listed is not None else None
    return OfferView(
        instance_type=offer.sku.name,
        gpus=str(offer.sku.gpus),
        nodes=offer.nodes,
        vcpus=offer.nodes * offer.sku.vcpus,
        quota_family=offer.sku.quota_family,
        price_per_hour=_round(offer.price),
        spot_price_per_hour=None if spot is None else _round(offer.nodes * spot),
        explanation=offer.explanation,
    )


def _rejected(rejection: Rejection) -> RejectedView:
    return RejectedView(
        instance_type=rejection.sku.name, gpus=str(rejection.sku.gpus), why=rejection.why
    )


def _source(inputs: PlanInputs) -> PriceSourceView:
    if inputs.sheet is None:
        recorded = inputs.recorded
        return PriceSourceView(
            name=f"recorded: {recorded.source}", region=recorded.region, as_of=recorded.as_of
        )
    return PriceSourceView(
        name="Azure Retail Prices API",
        region=inputs.sheet.region,
        as_of=inputs.sheet.read_at.date().isoformat(),
    )


def _notes(inputs: PlanInputs) -> list[str]:
    notes = []
    if inputs.sheet is None and inputs.region != inputs.recorded.region:
        notes.append(
            f"the prices are those of {inputs.recorded.region}, and the nodes are created in "
            f"{inputs.region}"
        )
    named = inputs.demand.spec.resource.instance_type
    requested = [sku for sku in inputs.skus if is_named(sku, named)]
    if named is not None and not requested:
        notes.append(f"{named!r} is not an instance type of the catalog")
    retiring = (sku for sku in requested if sku.retired_on is not None)
    notes.extend(
        f"{sku.name}: {retirement(sku)}, and it may give no new machine" for sku in retiring
    )
    return notes


def _round(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)
