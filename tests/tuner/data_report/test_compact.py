"""What the termination message carries of the report."""

import json

import pytest

from tests.tuner.data_report.reports import lost_row, report
from tuner.data_report.compact import compact
from tuner.data_report.report import Lengths, RowReport
from tuner.termination_message import render


def rows(lost: int, detail: str = "x") -> RowReport:
    return RowReport(
        read=1000,
        dropped=lost,
        causes={"empty": lost},
        first_lost=tuple(lost_row(number, detail) for number in range(1, lost + 1)),
    )


def test_figures() -> None:
    document = compact(report(rows=rows(2)))
    assert document["rows"] == 1000
    assert document["dropped"] == 2
    assert document["shapes"] == ["messages"]
    assert document["percentiles"]["median"] == 200
    assert document["steps"] == 342
    assert document["hours"] == [0.0345, 0.0921]
    assert [row["number"] for row in document["lost"]] == [1, 2]


def test_without_a_tokenizer_no_cut_is_claimed() -> None:
    assert compact(report(lengths=Lengths(exact=False, examples=None)))["cut"] is None


@pytest.mark.parametrize("detail", ["x" * 500, "漢" * 500, "\x1b" * 500, '"' * 500])
def test_a_message_with_the_report_is_never_cut(detail: str) -> None:
    document = compact(report(rows=rows(20, detail)))
    message = render({"data": document, "reason": "DataRowsLost", "message": "y" * 5000})
    assert len(message) <= 4095
    assert json.loads(message)["data"] == document
    assert document["lost"]


def test_twenty_usual_rows_fit() -> None:
    assert len(compact(report(rows=rows(20)))["lost"]) == 20
