"""The report in one line, for the status of a Workspace."""

from collections.abc import Iterator

from tuner.data_report import units
from tuner.data_report.report import DataReport


def one_line(report: DataReport) -> str:
    """Rows, losses, tokens, steps, and hours and dollars where they are known."""
    return "; ".join(", ".join(part) for part in (_rows(report), _training(report)) if part)


def _rows(report: DataReport) -> list[str]:
    rows, lengths = report.rows, report.lengths
    parts = [units.count(rows.read, "row")]
    if rows.dropped:
        parts.append(f"{units.count(rows.dropped)} dropped")
    if rows.cut:
        parts.append(f"{units.count(rows.cut)} cut")
    if lengths.examples is not None:
        about = "" if lengths.exact else "about "
        parts.append(f"{about}{units.count(lengths.examples.total, 'token')}")
    return parts


def _training(report: DataReport) -> list[str]:
    plan = report.plan
    return [units.count(plan.steps, "step"), *_cost(report)] if plan.steps else []


def _cost(report: DataReport) -> Iterator[str]:
    cost = report.cost
    if cost.hours is not None:
        on = f" on {cost.hardware.gpus}" if cost.hardware.gpus else ""
        yield f"{units.about(units.hours(*cost.hours))}{on}"
    if cost.dollars is not None:
        yield units.dollars(*cost.dollars)
