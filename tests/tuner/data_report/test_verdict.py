"""Whether data can be trained on."""

from typing import Any

import pytest

from tuner.data_report.findings import Findings
from tuner.data_report.verdict import find_problem
from tuner.reasons import Reason
from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_losses import RowLosses


def found(rows: int, *causes: LossCause, train: int = 1, **more: Any) -> Findings:
    losses = RowLosses(rows=rows)
    for number, cause in enumerate(causes, 1):
        losses.add(Row("a.jsonl", number, {}), RowFault(cause, "x"))
    return Findings(is_exact=True, losses=losses, train=train, **more)


def test_good_data_has_no_problem() -> None:
    assert find_problem(found(10), 0.01) is None


@pytest.mark.parametrize(("rows", "start"), [(0, "no row"), (10, "none of the 10 rows")])
def test_nothing_to_train_on(rows: int, start: str) -> None:
    problem = find_problem(found(rows, train=0), 0.01)
    assert problem is not None
    assert problem.reason is Reason.DATA_EMPTY
    assert problem.message.startswith(start)


def test_too_many_lost_rows_are_named_with_the_length_that_suffices() -> None:
    problem = find_problem(
        found(10, LossCause.CUT, max_length=1024, sufficient=2000), 0.01, model_limit=4096
    )
    assert problem is not None
    assert problem.reason is Reason.DATA_ROWS_LOST
    assert "set TrainingArguments.max_length to 2000 (it is 1024)" in problem.message


def test_lost_rows_are_the_reason_even_if_nothing_is_left() -> None:
    problem = find_problem(found(2, LossCause.EMPTY, LossCause.EMPTY, train=0), 0.01)
    assert problem is not None
    assert problem.reason is Reason.DATA_ROWS_LOST
    allowed = find_problem(found(2, LossCause.EMPTY, LossCause.EMPTY, train=0), 1.0)
    assert allowed is not None
    assert allowed.reason is Reason.DATA_EMPTY
