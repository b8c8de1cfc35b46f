"""The offers for a model, and why the others do not do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from kaito_skus.price_sheet import PriceSheet
from kaito_skus.sku import PriceList, Sku
from kubectl_kaito.dataset.checker import DatasetReport
from kubectl_kaito.dataset.training_cost import training_cost
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
from kubectl_kaito.quotas.source import QuotaSheet
from kubectl_kaito.startups import Start, expect


class PhaseView(View):
    name: str = Field(description="node, files or loading.")
    seconds: float
    source: str = Field(description="Starts of this cluster, or recorded figures.")


class OfferView(View):
    instance_type: str
    gpus: str = Field(description="The GPUs of one node.")
    nodes: int
    vcpus: int = Field(description="Of all nodes: what they take of the quota.")
    quota_family: str | None = Field(description="The VM family whose quota they take.")
    price_per_hour: float | None = Field(description="Of all nodes; null: unknown.")
    spot_price_per_hour: float | None
    explanation: str = Field(description="The arithmetic of the fit.")
    quota_left: int | None = Field(description="vCPUs of the family; null: not known.")
    regional_quota_left: int | None = Field(description="vCPUs of the region; null: not known.")
    zones: list[str] | None = Field(description="Where the subscription gets it; null: not known.")
    training_hours: list[float] | None = Field(description="The least and the most; null: unknown.")
    training_dollars: list[float] | None
    ready_seconds: float = Field(description="Expected from the request until it answers.")
    phases: list[PhaseView]


class RejectedView(View):
    instance_type: str
    gpus: str
    why: str


class DatasetView(View):
    summary: str
    rows: int
    tokens: int = Field(description="Of one epoch.")
    trained_tokens: int = Field(description="Of all epochs.")
    steps: int
    exact: bool = Field(description="Counted with a tokenizer; otherwise estimated.")


class PriceSourceView(View):
    name: str
    region: str
    as_of: str = Field(description="When the prices were read or recorded.")


class PlanView(View):
    model: str
    purpose: str = Field(description="serving, or tuning with its method.")
    requested: str | None = Field(description="The instance type that the file names.")
    requested_fits: bool | None
    dataset: DatasetView | None = Field(description="Of tuning, where the data is at hand.")
    offers: list[OfferView] = Field(description="Cheapest first.")
    rejected: list[RejectedView] = Field(description="Cheapest first.")
    prices: PriceSourceView
    notes: list[str] = Field(description="What the plan does not know, and what it assumes.")
    applied: str | None = Field(description="The Workspace that --apply wrote.")
    max_price: str | None = Field(
        default=None, description="US dollars per hour that the written Workspace may cost."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """`sheet` is None where the price list could not be read: `recorded` says of when ours are."""

    demand: Demand
    skus: Sequence[Sku]
    region: str
    sheet: PriceSheet | None
    recorded: PriceList
    notes: Sequence[str] = ()
    dataset: DatasetReport | None = None
    quotas: QuotaSheet | None = None
    starts: Sequence[Start] = ()
    own_nodes: bool = False


def plan(inputs: PlanInputs) -> PlanView:
    spec, sheet = inputs.demand.spec, inputs.sheet
    if sheet is None:
        prices = node_prices(inputs.skus)
    else:
        listed = sheet.prices.items()
        prices = {name: p.on_demand for name, p in listed if p.on_demand is not None}
    fitting, rejected = offers(inputs.demand, inputs.skus, prices, inputs.quotas)
    named = spec.resource.instance_type
    fits = None if named is None else any(is_named(offer.sku, named) for offer in fitting)
    return PlanView(
        model=inputs.demand.preset.name,
        purpose="serving" if spec.tuning is None else f"tuning with {spec.tuning.method}",
        requested=named,
        requested_fits=fits,
        dataset=_dataset(inputs.dataset),
        offers=[_offer(offer, inputs) for offer in fitting],
        rejected=[_rejected(each) for each in rejected],
        prices=_source(inputs),
        notes=[*inputs.notes, *_notes(inputs)],
        applied=None,
    )


def chosen(view: PlanView) -> OfferView:
    """The offer of the instance type that the file names, else the cheapest. There is one."""
    named = (view.requested or "").casefold()
    return next((o for o in view.offers if o.instance_type.casefold() == named), view.offers[0])


def rejection_of(view: PlanView, instance_type: str) -> str | None:
    """Why that instance type does not do; None where nothing is known about it."""
    wanted = instance_type.casefold()
    return next((r.why for r in view.rejected if r.instance_type.casefold() == wanted), None)


def _offer(offer: Offer, inputs: PlanInputs) -> OfferView:
    sheet, quotas, preset = inputs.sheet, inputs.quotas, inputs.demand.preset
    family = quotas.family(offer.sku.quota_family) if quotas is not None else None
    phases = expect(
        preset.name,
        preset.weights_gib,
        offer.sku.name,
        inputs.starts,
        own_nodes=inputs.own_nodes,
    )
    cost = None
    if inputs.dataset is not None:
        cost = training_cost(inputs.dataset.trained_tokens, preset, offer.sku, offer.price)
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
        quota_left=family.left if family is not None else None,
        regional_quota_left=quotas.regional.left if quotas and quotas.regional else None,
        zones=_zones(offer, quotas),
        training_hours=_span(cost.hours if cost is not None else None),
        training_dollars=_span(cost.dollars if cost is not None else None),
        ready_seconds=sum(phase.seconds for phase in phases),
        phases=[PhaseView(name=p.name, seconds=p.seconds, source=p.source) for p in phases],
    )


def _dataset(report: DatasetReport | None) -> DatasetView | None:
    if report is None:
        return None
    return DatasetView(
        summary=report.summary,
        rows=report.rows,
        tokens=report.tokens,
        trained_tokens=report.trained_tokens,
        steps=report.steps,
        exact=report.exact,
    )


def _span(found: tuple[float, float] | None) -> list[float] | None:
    return None if found is None else [round(value, 4) for value in found]


def _zones(offer: Offer, quotas: QuotaSheet | None) -> list[str] | None:
    found = quotas.zones.get(offer.sku.name.lower()) if quotas is not None else None
    return None if found is None else list(found)


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
