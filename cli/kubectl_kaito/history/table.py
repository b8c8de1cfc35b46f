"""The recorded configurations for people."""

from rich.console import RenderableType

from kubectl_kaito.history.view import HistoryView
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import age


def table(view: HistoryView) -> list[RenderableType]:
    if not view.revisions:
        return [text("No revision is recorded yet: the first one is when the model's pod starts.")]
    rows = [
        (
            row.revision,
            "served" if row.served else None,
            None if row.age_seconds is None else age(row.age_seconds),
            row.change,
        )
        for row in view.revisions
    ]
    parts: list[RenderableType] = [columns(["REVISION", "NOW", "AGE", "CHANGE"], rows)]
    if view.held_at is not None:
        command = f"kubectl kaito undo {view.name} -n {view.namespace} --end"
        parts += [text(""), text(f"It is held at revision {view.held_at}; `{command}` ends that.")]
    return parts
