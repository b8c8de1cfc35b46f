"""What the undo does, for people."""

from rich.console import RenderableType

from kubectl_kaito.terminal import text
from kubectl_kaito.undo.view import UndoView


def table(view: UndoView) -> list[RenderableType]:
    where = f"{view.namespace}/{view.name}"
    follow = text(f"`kubectl kaito status {view.name} -n {view.namespace} --watch` follows it.")
    if view.revision is None:
        return [text(f"Workspace {where} goes on to its newest configuration."), follow]
    before = f" from revision {view.before}" if view.before is not None else ""
    return [
        text(f"Workspace {where} goes back{before} to revision {view.revision} ({view.change})."),
        text("It stays there until it changes, or until `kubectl kaito undo --end`."),
        follow,
    ]
