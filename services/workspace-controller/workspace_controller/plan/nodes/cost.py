"""What the nodes of a Workspace cost."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_skus.prices import Quote
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.spec import selector_labels

_SPOT = "spot"


def node_quote(observed: Observed, spec: WorkspaceSpec) -> Quote | None:
    """The price of one node of the Workspace; None where it is unknown."""
    spot = selector_labels(spec).get(labels.CAPACITY_TYPE) == _SPOT
    return observed.prices.quote(instance_type(observed, spec), spot=spot)


def cost_per_hour(observed: Observed, nodes: int) -> str | None:
    """The list price of that many nodes, "$3.06"; None where it is unknown."""
    quote = node_quote(observed, observed.spec) if observed.spec is not None else None
    return None if quote is None else f"${quote.per_hour * nodes:.2f}"
