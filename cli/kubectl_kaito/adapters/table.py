"""The adapters for people."""

from rich.console import RenderableType

from kubectl_kaito.adapters.view import AdaptersView, AdapterView
from kubectl_kaito.terminal import columns, text


def table(view: AdaptersView) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if view.tuned is not None:
        parts.append(text(f"Tuned by this Workspace, and served by itself: {view.tuned}"))
    if view.adapters:
        headings = ["ADAPTER", "STATE", "STRENGTH", "SOURCE", "ANSWERS", "WHY"]
        parts.append(columns(headings, [_row(each) for each in view.adapters]))
    elif view.tuned is None:
        parts.append(text(f"Workspace {view.namespace}/{view.name} has no adapters."))
    return parts


def _row(adapter: AdapterView) -> tuple[object, ...]:
    # The digest of an image is what a source by its tag does not show.
    digest = adapter.image.rpartition("@")[2] if adapter.image else None
    return (
        adapter.name,
        adapter.state,
        f"{adapter.strength:g}",
        adapter.source,
        digest,
        adapter.message,
    )
