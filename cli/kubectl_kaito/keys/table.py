"""The keys for people."""

from rich.console import RenderableType

from kubectl_kaito.keys.view import CreatedKeyView, KeysView, KeyView
from kubectl_kaito.terminal import columns, text


def table(view: KeysView) -> list[RenderableType]:
    if not view.keys:
        return [text(f"Secret {view.namespace}/{view.secret} has no keys.")]
    headings = ["ID", "STATE", "MAY USE", "LIMITS", "EXPIRES", "DESCRIPTION"]
    return [columns(headings, [_row(each) for each in view.keys])]


def created_table(view: CreatedKeyView) -> list[RenderableType]:
    """The key alone, so that it can be read into a variable."""
    return [text(view.key)]


def _row(key: KeyView) -> tuple[object, ...]:
    limits = ", ".join(f"{name} {amount}" for name, amount in key.limits.items())
    expires = key.expires.strftime("%Y-%m-%d %H:%M") if key.expires else None
    allowed = ", ".join(key.allowed) or "all"
    return key.id, key.state, allowed, limits, expires, key.message or key.description
