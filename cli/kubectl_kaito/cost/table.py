"""Costs for people."""

from rich.console import RenderableType

from kubectl_kaito.cost.view import CostView
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import dollars


def table(view: CostView) -> list[RenderableType]:
    if not view.workspaces:
        return [text("No Workspaces found.")]
    headings = ["NAMESPACE", "NAME", "STATE", "INSTANCE", "NODES", "$/H", "SO FAR"]
    rows = [
        (
            row.namespace,
            row.name,
            f"{row.state} (idle)" if row.idle else row.state,
            row.instance_type,
            row.nodes,
            dollars(row.price_per_hour),
            dollars(row.cost_so_far),
        )
        for row in view.workspaces
    ]
    total = f"{dollars(view.price_per_hour)}/h, {dollars(view.cost_so_far)} so far"
    return [
        columns(headings, rows),
        text(""),
        text(f"{total}, by recorded prices and without disks and traffic."),
    ]
