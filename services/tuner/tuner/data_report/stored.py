"""Reads a report that `publish` wrote."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.data_report.cost import Cost, Hardware
from tuner.data_report.length_distribution import LengthDistribution
from tuner.data_report.report import DataReport, FileReport, Lengths, RowReport, SampleReport
from tuner.data_report.training_plan import TrainingPlan


def read_report(path: Path) -> DataReport | None:
    """The report at `path`; None if it is missing, or of another release."""
    try:
        return _report(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _report(stored: Mapping[str, Any]) -> DataReport:
    return DataReport(
        files=tuple(
            FileReport(**{**file, "choices": tuple(file["choices"])}) for file in stored["files"]
        ),
        rows=RowReport(**{**stored["rows"], "first_lost": tuple(stored["rows"]["first_lost"])}),
        lengths=_lengths(stored["lengths"]),
        plan=TrainingPlan(**stored["plan"]),
        cost=_cost(stored["cost"]),
        samples=tuple(_sample(sample) for sample in stored["samples"]),
        problem=stored["problem"],
        reason=stored["reason"],
    )


def _lengths(stored: Mapping[str, Any]) -> Lengths:
    examples = stored["examples"]
    found = LengthDistribution(**examples) if examples is not None else None
    return Lengths(**{**stored, "examples": found})


def _cost(stored: Mapping[str, Any]) -> Cost:
    spans = {name: _span(stored[name]) for name in ("hours", "dollars")}
    hardware = Hardware(**stored["hardware"])
    return Cost(**{**stored, **spans, "hardware": hardware, "unknown": tuple(stored["unknown"])})


def _span(stored: list[float] | None) -> tuple[float, float] | None:
    if stored is None:
        return None
    least, most = stored
    return least, most


def _sample(stored: Mapping[str, Any]) -> SampleReport:
    pieces = tuple((text, learned) for text, learned in stored["pieces"])
    return SampleReport(**{**stored, "pieces": pieces})
