from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_losses import NAMED_ROWS, RowLosses


def losses(rows: int, *faults: RowFault) -> RowLosses:
    counted = RowLosses(rows=rows)
    for number, fault in enumerate(faults, 1):
        counted.add(Row("train.jsonl", number, {}), fault)
    return counted


def test_rows_are_counted_by_cause() -> None:
    empty = RowFault(LossCause.EMPTY, "completion is null")
    counted = losses(8, empty, empty, RowFault(LossCause.CUT, "3 of 9 tokens"))
    assert (counted.dropped, counted.cut, counted.share) == (2, 1, 3 / 8)
    assert counted.by_cause() == {LossCause.EMPTY: 2, LossCause.CUT: 1}
    assert str(counted.first[1]) == "train.jsonl, row 2: empty: completion is null"


def test_only_the_first_rows_are_named() -> None:
    counted = losses(99, *[RowFault(LossCause.EMPTY, "text is null")] * 50)
    assert counted.dropped == 50
    assert [row.number for row in counted.first] == list(range(1, NAMED_ROWS + 1))


def test_blank_rows_of_texts_are_no_rows() -> None:
    blank = RowFault(LossCause.BLANK, "text is ''")
    counted = losses(5, blank, blank, RowFault(LossCause.EMPTY, "text is null"))
    assert (counted.rows, counted.blank, counted.dropped, counted.share) == (3, 2, 1, 1 / 3)
    assert counted.by_cause() == {LossCause.EMPTY: 1}
    assert [lost.cause for lost in counted.first] == [LossCause.EMPTY]


def test_share_of_no_rows_is_zero() -> None:
    assert losses(0).share == 0
