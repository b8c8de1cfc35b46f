"""The explanation for people."""

from rich.console import RenderableType

from kubectl_kaito.terminal import columns, fields, text
from kubectl_kaito.why.view import Explanation, Verdict
from kubectl_kaito.words import age

_HEADLINES = {
    Verdict.FINE: ("is fine", "green"),
    Verdict.WAITING: ("is on its way; nothing has failed", "yellow"),
    Verdict.FAILING: ("is stuck", "red"),
    Verdict.UNKNOWN: ("is not ready, and the cause is not known", "red"),
}
_WAITING = {
    True: "yes, it goes on by itself",
    False: "no, something has to change",
    None: None,
}


def table(view: Explanation) -> list[RenderableType]:
    headline, style = _HEADLINES[view.verdict]
    parts: list[RenderableType] = [
        text(f"{view.namespace}/{view.name} {headline}: {view.cause}", style),
    ]
    means = f"{view.reason}: {view.meaning}" if view.meaning else view.reason
    waiting = _WAITING[view.waiting_helps]
    facts = [("Reason", means), ("Remedy", view.remedy), ("Waiting helps", waiting)]
    if any(value for _, value in facts):
        parts += [text(""), fields(facts)]
    if view.evidence:
        rows = [
            (e.source, e.about, None if e.seconds is None else age(e.seconds), e.text)
            for e in view.evidence
        ]
        parts += [text(""), columns(["EVIDENCE", "ABOUT", "FOR", "WHAT IT SAYS"], rows)]
    if view.commands:
        parts += [text(""), text("Run next:", "bold")]
        parts += [text(f"  {command}") for command in view.commands]
    return parts
