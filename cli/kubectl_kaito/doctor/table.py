"""The findings for people: a line each, and the remedy below it."""

from rich.console import RenderableType

from kubectl_kaito.doctor.checks import Level
from kubectl_kaito.doctor.view import Report
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import plural


def table(view: Report) -> list[RenderableType]:
    rows: list[tuple[object, ...]] = []
    for finding in view.findings:
        rows.append((finding.level, finding.check, finding.detail))
        if finding.remedy:
            rows.append((" ", " ", f"→ {finding.remedy}"))
    failed = sum(finding.level is Level.FAIL for finding in view.findings)
    warned = sum(finding.level is Level.WARN for finding in view.findings)
    summary = "Nothing stands in the way."
    if failed or warned:
        summary = f"{plural(failed, 'failure')}, {plural(warned, 'warning')}."
    return [
        text(f"Kubernetes {view.version}"),
        text(""),
        columns(["RESULT", "CHECK", "DETAIL"], rows),
        text(""),
        text(summary, "red" if failed else "yellow" if warned else "green"),
    ]
