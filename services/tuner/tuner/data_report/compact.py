"""The report as a container's termination message carries it, within a number of bytes."""

import json
from dataclasses import asdict
from typing import Any

from tuner.data_report.length_distribution import LengthDistribution
from tuner.data_report.one_line import one_line
from tuner.data_report.report import DataReport

# A termination message holds 4096 bytes, and its other fields need room, too.
MAX_BYTES = 3000
DETAIL_CHARACTERS = 80


def compact(report: DataReport, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The figures of `report`, and as many of the first lost rows as fit."""
    document = _figures(report)
    document["lost"] = []
    for row in report.rows.first_lost:
        document["lost"].append({**row, "detail": str(row["detail"])[:DETAIL_CHARACTERS]})
        if len(json.dumps(document, ensure_ascii=False).encode()) > max_bytes:
            document["lost"].pop()
            break
    return document


def _figures(report: DataReport) -> dict[str, Any]:
    rows, lengths, plan, cost = report.rows, report.lengths, report.plan, report.cost
    found = lengths.examples
    return {
        "summary": one_line(report),
        "files": len(report.files),
        "bytes": sum(file.size for file in report.files),
        "shapes": sorted({file.shape for file in report.files}),
        "rows": rows.read,
        "dropped": rows.dropped,
        "cut": rows.cut if lengths.exact else None,
        "causes": dict(rows.causes),
        "duplicates": rows.duplicates,
        "exact": lengths.exact,
        "tokens": found.total if found else 0,
        "learned": lengths.learned,
        "percentiles": _percentiles(found) if found else {},
        "maxLength": lengths.max_length,
        "sufficientMaxLength": lengths.sufficient,
        "examples": plan.examples,
        "heldBack": plan.held_back,
        "steps": plan.steps,
        "hours": _rounded(cost.hours),
        "dollars": _rounded(cost.dollars),
    }


def _percentiles(found: LengthDistribution) -> dict[str, int]:
    figures = asdict(found)
    return {key: figures[key] for key in ("minimum", "p10", "median", "p90", "p99", "maximum")}


def _rounded(span: tuple[float, float] | None) -> list[float] | None:
    return [round(value, 4) for value in span] if span else None
