"""When a run stops because of the rows that it would lose, and what the user reads then."""

import pytest

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_limit import LengthLimits, check_row_limit, format_share
from tuner.rows.row_losses import RowLosses

CUT = RowFault(LossCause.CUT, "1300 of 2324 tokens fit")
EMPTY = RowFault(LossCause.EMPTY, "completion is null")
LONG = RowFault(LossCause.PROMPT_TOO_LONG, "the prompt has 2000 tokens")


def losses(rows: int, *faults: RowFault) -> RowLosses:
    counted = RowLosses(rows=rows)
    for number, fault in enumerate(faults, 1):
        counted.add(Row("a.jsonl", number, {}), fault)
    return counted


def refusal(lost: RowLosses, limit: float = 0.01, lengths: LengthLimits | None = None) -> str:
    with pytest.raises(RunError) as raised:
        check_row_limit(lost, limit, lengths)
    assert raised.value.reason is Reason.DATA_ROWS_LOST
    assert not raised.value.retryable
    return raised.value.message


@pytest.mark.parametrize(
    ("rows", "lost", "limit"),
    [(0, 0, 0.0), (100, 0, 0.0), (100, 1, 0.01), (1000, 10, 0.01), (2, 2, 1.0), (3, 1, 0.34)],
)
def test_a_run_goes_on_up_to_the_limit(rows: int, lost: int, limit: float) -> None:
    check_row_limit(losses(rows, *[EMPTY] * lost), limit)


@pytest.mark.parametrize(
    ("rows", "lost", "limit"), [(99, 1, 0.01), (1000, 11, 0.01), (1, 1, 0.0), (3, 1, 0.33)]
)
def test_a_run_stops_above_the_limit(rows: int, lost: int, limit: float) -> None:
    assert f"{lost} of {rows} rows" in refusal(losses(rows, *[EMPTY] * lost), limit)


def test_cut_rows_count_like_dropped_rows() -> None:
    message = refusal(losses(100, EMPTY, CUT))
    assert message.startswith("2 of 100 rows (2 %) would be dropped or cut: ")


def test_message_names_causes_limit_remedy_and_rows() -> None:
    lengths = LengthLimits(max_length=1024, sufficient=2324, model=4096)
    assert refusal(losses(50, EMPTY, CUT, CUT), 0.01, lengths) == (
        "3 of 50 rows (6 %) would be dropped or cut: 2 cut to max_length, 1 empty. That is more "
        "than DatasetConfig.max_lost_rows (0.01) allows; set TrainingArguments.max_length to 2324 "
        "(it is 1024), with which no row is too long, correct or remove the rows named below, or "
        "accept the loss by raising max_lost_rows in training_config.yaml. First rows: a.jsonl, "
        "row 1: empty: completion is null; a.jsonl, rows 2, 3: cut to max_length: 1300 of 2324 "
        "tokens fit"
    )


@pytest.mark.parametrize("fault", [CUT, LONG])
def test_remedy_of_length_alone_asks_for_no_correction(fault: RowFault) -> None:
    lengths = LengthLimits(max_length=1024, sufficient=2324, model=4096)
    message = refusal(losses(10, fault), lengths=lengths)
    assert "set TrainingArguments.max_length to 2324 (it is 1024)" in message
    assert "correct or remove" not in message


def test_remedy_of_broken_rows_speaks_of_no_length() -> None:
    assert "max_length" not in refusal(losses(10, EMPTY))


def test_a_length_beyond_the_model_is_not_advised() -> None:
    lengths = LengthLimits(max_length=1024, sufficient=9000, model=4096)
    message = refusal(losses(10, CUT), lengths=lengths)
    assert "shorten or split the rows" in message
    assert "needs 9000 tokens, max_length is 1024, and the model takes 4096" in message
    assert "set TrainingArguments" not in message


def test_without_lengths_the_remedy_names_the_key_only() -> None:
    assert "raise TrainingArguments.max_length, or accept" in refusal(losses(10, CUT))


def test_message_names_the_first_rows_of_a_fault_once() -> None:
    message = refusal(losses(100, *[EMPTY] * 100))
    assert message.endswith("a.jsonl, rows 1, 2, 3, 4, 5, ...: empty: completion is null")


def test_message_names_the_first_faults_only() -> None:
    faults = [RowFault(LossCause.MALFORMED, f"role is {n}") for n in range(100)]
    message = refusal(losses(100, *faults))
    assert "row 5: malformed: role is 4" in message
    assert message.count("a.jsonl") == 5


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "less than 0.1 %"),
        (0.001, "0.1 %"),
        (0.0123, "1.2 %"),
        (0.5, "50 %"),
        (1.0, "100 %"),
    ],
)
def test_share_in_percent(share: float, text: str) -> None:
    assert format_share(share) == text
