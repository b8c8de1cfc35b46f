"""What the nodes of a Workspace cost."""

from decimal import Decimal

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_skus.prices import Quote
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.spec import selector_labels

_SPOT = "spot"


def on_spot(spec: WorkspaceSpec) -> bool:
    """Whether the Workspace's nodes are spot machines."""
    return selector_labels(spec).get(labels.CAPACITY_TYPE) == _SPOT


def node_quote(observed: Observed, spec: WorkspaceSpec) -> Quote | None:
    """The price of one node of the Workspace; None where it is unknown."""
    spot = on_spot(spec)
    return observed.prices.quote(instance_type(observed, spec), spot=spot)


def spot_saving(observed: Observed, spec: WorkspaceSpec) -> Decimal | None:
    """US dollars that one spot node saves an hour; None where no spot price is known."""
    type_ = instance_type(observed, spec)
    full, spot = observed.prices.quote(type_), observed.prices.quote(type_, spot=True)
    if full is None or spot is None or spot.per_hour >= full.per_hour:
        return None
    return full.per_hour - spot.per_hour


def cost_per_hour(observed: Observed, nodes: int) -> str | None:
    """The list price of that many nodes, "$3.06"; None where it is unknown."""
    quote = node_quote(observed, observed.spec) if observed.spec is not None else None
    return None if quote is None else f"${quote.per_hour * nodes:.2f}"
