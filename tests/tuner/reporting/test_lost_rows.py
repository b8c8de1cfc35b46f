"""The counts of lost rows as they are reported."""

from tuner.reporting.lost_rows import lost_rows
from tuner.reporting.tuning_run import LostRows
from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_losses import RowLosses


def test_lost_rows_are_counted_by_causes_that_suit_a_label() -> None:
    losses = RowLosses(rows=90)
    for cause in (LossCause.CUT, LossCause.PROMPT_TOO_LONG, LossCause.CUT):
        losses.add(Row("a.jsonl", 1, {}), RowFault(cause, "detail"))
    assert lost_rows(losses) == LostRows(90, 1, 2, {"cut": 2, "prompt_too_long": 1})
