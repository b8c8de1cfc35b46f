"""A report that is stored is read back as it was."""

import json
from pathlib import Path

import pytest

from tests.tuner.data_report.reports import lost_row, report, sample
from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.publish import publish
from tuner.data_report.report import DataReport, Lengths, RowReport
from tuner.data_report.stored import read_report
from tuner.results import REPORT_NAME

FULL = report(
    rows=RowReport(
        read=9, dropped=1, causes={"empty": 1}, first_lost=(lost_row(2),), notes={"x": 1}
    ),
    samples=(sample(("a", False), ("b", True)),),
)
BARE = report(
    lengths=Lengths(exact=False, examples=None),
    cost=estimate_cost(1, None, Hardware()),
    problem="no row",
    reason="DataEmpty",
)


@pytest.mark.parametrize("stored", [FULL, BARE], ids=["full", "bare"])
def test_report_is_read_back_unchanged(stored: DataReport, tmp_path: Path) -> None:
    publish(stored, (tmp_path,))
    assert read_report(tmp_path / REPORT_NAME) == stored
    assert [path.name for path in tmp_path.iterdir()] == [REPORT_NAME]


def test_report_goes_to_the_first_directory_that_takes_it(tmp_path: Path) -> None:
    missing, present = tmp_path / "missing", tmp_path / "present"
    present.mkdir()
    publish(FULL, (missing, present))
    assert read_report(present / REPORT_NAME) == FULL


def test_nowhere_to_write_is_no_failure(tmp_path: Path) -> None:
    publish(FULL, (tmp_path / "missing",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "null", "part"])
def test_what_is_no_report_counts_as_missing(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / REPORT_NAME
    if content == "part":
        document = FULL.to_json()
        del document["plan"]["steps"]
        content = json.dumps(document)
    if content is not None:
        path.write_text(content)
    assert read_report(path) is None
