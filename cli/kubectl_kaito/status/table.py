"""Workspaces and their conditions as tables."""

from collections.abc import Sequence

from rich.console import RenderableType

from kubectl_kaito.status.view import (
    ConditionView,
    RunView,
    StartView,
    WorkspaceDetail,
    WorkspaceList,
)
from kubectl_kaito.terminal import columns, fields, text
from kubectl_kaito.words import age, dollars, plural

_BARS = "▁▂▃▄▅▆▇█"
_SPARKLINE_WIDTH = 40


def list_table(view: WorkspaceList, *, namespaced: bool = False) -> list[RenderableType]:
    if not view.workspaces:
        return [text("No Workspaces found.")]
    headings = ["NAME", "STATE", "MODEL", "INSTANCE", "NODES", "PROGRESS", "ETA", "$/H", "AGE"]
    rows = [
        [
            row.name,
            f"{row.state} (idle)" if row.idle else row.state,
            row.model or "own pods",
            row.instance_type,
            row.nodes,
            row.progress,
            row.eta,
            dollars(row.price_per_hour),
            _age(row.age_seconds),
        ]
        for row in view.workspaces
    ]
    if namespaced:
        headings = ["NAMESPACE", *headings]
        rows = [[seen.namespace, *row] for seen, row in zip(view.workspaces, rows, strict=True)]
    return [columns(headings, rows), text(""), text(_total(view))]


def detail_table(view: WorkspaceDetail) -> list[RenderableType]:
    row = view.workspace
    parts: list[RenderableType] = [
        fields(
            [
                ("Workspace", f"{row.namespace}/{row.name}"),
                ("State", f"{row.state} (idle: its nodes cost money)" if row.idle else row.state),
                ("Model", row.model or "own pods"),
                ("Nodes", " ".join(filter(None, (row.nodes, row.instance_type)))),
                ("Progress", row.progress),
                ("Remaining", row.eta),
                ("Training", _training(view.tuning)),
                ("Start", _start(view.start)),
                ("Speed", _speed(view.start)),
                ("Revision", view.revision),
                ("Adapter", view.adapter),
                ("Estimate", view.estimate),
                ("Price", _price(row.price_per_hour)),
                ("Cost so far", _cost(view.cost_so_far, estimated=view.cost_estimated)),
                ("Age", _age(row.age_seconds)),
            ]
        ),
        text(""),
    ]
    if view.conditions:
        headings = ["CONDITION", "STATUS", "FOR", "REASON", "MESSAGE"]
        parts.append(columns(headings, [_condition(c) for c in view.conditions]))
    else:
        parts.append(text("No controller has reported any condition yet."))
    if view.nodes:
        nodes = [
            (n.claim, n.node, n.instance_type, n.stage, _age(n.age_seconds), n.problem)
            for n in view.nodes
        ]
        headings = ["CLAIM", "NODE", "INSTANCE", "STAGE", "AGE", "PROBLEM"]
        parts += [text(""), columns(headings, nodes)]
    if view.unread:
        parts += [text(""), text(f"You may not read: {', '.join(view.unread)}.")]
    if view.blocking is not None:
        parts += [text(""), text(f"`kubectl kaito why {row.name} -n {row.namespace}` explains it.")]
    return parts


def sparkline(values: Sequence[float]) -> str:
    """The newest values as bars, from their lowest to their highest."""
    shown = [value for value in values if value == value][-_SPARKLINE_WIDTH:]
    if len(shown) < 2:
        return ""
    low, span = min(shown), max(shown) - min(shown)
    last = len(_BARS) - 1
    return "".join(_BARS[round((v - low) / span * last) if span else 0] for v in shown)


def _total(view: WorkspaceList) -> str:
    count = plural(len(view.workspaces), "Workspace")
    idle = sum(row.idle for row in view.workspaces)
    parts = [f"{count}, {dollars(view.price_per_hour)}/h"]
    if view.unpriced:
        parts.append(f"without {view.unpriced} whose price is not known")
    if idle:
        parts.append(f"{idle} idle")
    return ", ".join(parts)


def _condition(condition: ConditionView) -> tuple[object, ...]:
    return (
        condition.type,
        condition.status,
        _age(condition.seconds),
        condition.reason,
        condition.message,
    )


def _training(run: RunView | None) -> str | None:
    if run is None:
        return None
    parts = []
    if run.step is not None and run.total_steps:
        parts.append(f"step {run.step}/{run.total_steps}")
    if run.loss is not None:
        parts.append(f"loss {run.loss:.4f} {sparkline(run.losses)}".rstrip())
    if run.eval_loss is not None:
        parts.append(f"eval loss {run.eval_loss:.4f}")
    if run.tokens_per_second:
        parts.append(f"{run.tokens_per_second:.0f} tokens/s")
    return ", ".join(parts) or run.state


def _start(start: StartView | None) -> str | None:
    if start is None:
        return None
    phases = ", ".join(f"{name} {age(seconds)}" for name, seconds in start.phases.items())
    return ": ".join(filter(None, (_age(start.total_seconds), phases)))


def _speed(start: StartView | None) -> str | None:
    """What the model made on its node before it served."""
    if start is None or start.tokens_per_second is None:
        return None
    parts = [f"{start.tokens_per_second:.1f} tokens/s for one answer"]
    if start.peak_tokens_per_minute is not None:
        parts.append(f"{start.peak_tokens_per_minute / 60:.1f} for several at once")
    if start.peak_memory_gib is not None:
        parts.append(f"peak memory {start.peak_memory_gib:g} GiB")
    return ", ".join(parts)


def _price(price: float | None) -> str | None:
    return f"{dollars(price)}/h" if price is not None else None


def _cost(cost: float | None, *, estimated: bool) -> str | None:
    if cost is None:
        return None
    return f"about {dollars(cost)}, by the recorded price" if estimated else dollars(cost)


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else age(seconds)
