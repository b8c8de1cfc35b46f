"""Costs for people."""

from collections.abc import Iterator

from rich.console import RenderableType

from kubectl_kaito.cost.view import CostRow, CostView, SetRow
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import dollars, plural


def table(view: CostView) -> list[RenderableType]:
    if not view.workspaces:
        return [text("No Workspaces found.")]
    headings = ["NAMESPACE", "NAME", "STATE", "INSTANCE", "NODES", "$/H", "SO FAR"]
    total = f"{dollars(view.price_per_hour)}/h, {dollars(view.cost_so_far)} so far"
    parts: list[RenderableType] = [columns(headings, _rows(view)), text("")]
    parts.append(text(f"{total}, by list prices and without disks and traffic."))
    sources = sorted({row.prices for row in view.workspaces if row.prices})
    parts += [text(f"Prices: {source}") for source in sources]
    if view.estimated:
        which = "all of them" if view.estimated == len(view.workspaces) else "those with about"
        parts.append(
            text(
                f"{plural(view.estimated, 'Workspace')} ({which}): the controller records no cost "
                "(status.cost), so it is the recorded price of the present claims times their age."
            )
        )
    return parts


def _rows(view: CostView) -> Iterator[tuple[object, ...]]:
    sets = {(each.namespace, each.name): each for each in view.inference_sets}
    for row in view.workspaces:
        own = sets.pop((row.namespace, row.inference_set or ""), None)
        if own is not None:
            yield _set(own)
        yield _workspace(row)


def _set(row: SetRow) -> tuple[object, ...]:
    return (
        row.namespace,
        f"InferenceSet {row.name}",
        plural(row.replicas, "replica"),
        None,
        row.nodes,
        dollars(row.price_per_hour),
        dollars(row.cost_so_far),
    )


def _workspace(row: CostRow) -> tuple[object, ...]:
    so_far = dollars(row.cost_so_far)
    return (
        row.namespace,
        f"  {row.name}" if row.inference_set is not None else row.name,
        f"{row.state} (idle)" if row.idle else row.state,
        row.instance_type,
        row.nodes,
        dollars(row.price_per_hour),
        f"about {so_far}" if so_far and row.estimated else so_far,
    )
