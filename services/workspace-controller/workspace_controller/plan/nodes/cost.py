"""What the nodes of a Workspace cost."""

from workspace_controller.observed import Observed


def cost_per_hour(observed: Observed, nodes: int) -> str | None:
    """The approximate list price of that many nodes, "$3.06"; None where it is unknown."""
    price = observed.sku.price_usd_hour if observed.sku is not None else None
    return None if price is None else f"${price * nodes:.2f}"
