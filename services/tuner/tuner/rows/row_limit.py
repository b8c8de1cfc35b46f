"""Decides whether a dataset loses too many of its rows to train on it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.row import LossCause
from tuner.rows.row_losses import LostRow, RowLosses

# A condition's message is read on one screen; the report names more rows.
FAULTS_IN_MESSAGE = 5
ROWS_OF_A_FAULT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthLimits:
    """Lengths in tokens.

    `sufficient` is the smallest max_length with which no row is dropped or cut for its length.
    `model` is the longest sequence that the model takes, None if unknown.
    """

    max_length: int
    sufficient: int
    model: int | None = None


def check_row_limit(
    losses: RowLosses, max_lost_rows: float, lengths: LengthLimits | None = None
) -> None:
    """Stop a run that would lose more of its rows than `max_lost_rows`, a fraction, allows.

    Without `lengths` the message names no max_length that suffices.

    Raises:
        RunError: DATA_ROWS_LOST; names counts, causes, remedy and the first rows.
    """
    if losses.share > max_lost_rows:
        raise RunError(Reason.DATA_ROWS_LOST, _message(losses, max_lost_rows, lengths))


def _message(losses: RowLosses, max_lost_rows: float, lengths: LengthLimits | None) -> str:
    lost = losses.dropped + losses.cut
    causes = ", ".join(f"{count} {cause}" for cause, count in losses.by_cause().items())
    rows = "; ".join(_first_faults(losses.first))
    return (
        f"{lost} of {losses.rows} rows ({format_share(losses.share)}) would be dropped or cut: "
        f"{causes}. That is more than DatasetConfig.max_lost_rows ({max_lost_rows:g}) allows; "
        f"{_remedy(losses, lengths)}. First rows: {rows}"
    )


def _first_faults(lost: Sequence[LostRow]) -> list[str]:
    """The first faults that differ, each with the rows that have it."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for row in lost:
        numbers.setdefault((row.file, f"{row.cause}: {row.detail}"), []).append(row.number)
    return [
        f"{file}, {_rows(found)}: {fault}"
        for (file, fault), found in islice(numbers.items(), FAULTS_IN_MESSAGE)
    ]


def _rows(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    more = ", ..." if len(numbers) > ROWS_OF_A_FAULT else ""
    return f"rows {', '.join(map(str, numbers[:ROWS_OF_A_FAULT]))}{more}"


def _remedy(losses: RowLosses, lengths: LengthLimits | None) -> str:
    steps = []
    too_long = losses.cut + losses.causes[LossCause.PROMPT_TOO_LONG]
    if too_long:
        steps.append(_shorten(lengths))
    if too_long < losses.causes.total():
        steps.append("correct or remove the rows named below")
    steps.append("accept the loss by raising max_lost_rows in training_config.yaml")
    return f"{', '.join(steps[:-1])}, or {steps[-1]}"


def _shorten(lengths: LengthLimits | None) -> str:
    if lengths is None:
        return "raise TrainingArguments.max_length"
    if lengths.model is not None and lengths.sufficient > lengths.model:
        return (
            f"shorten or split the rows that are too long (the longest needs {lengths.sufficient} "
            f"tokens, max_length is {lengths.max_length}, and the model takes {lengths.model})"
        )
    return (
        f"set TrainingArguments.max_length to {lengths.sufficient} (it is {lengths.max_length}), "
        "with which no row is too long"
    )


def format_share(share: float) -> str:
    """A fraction in percent; never "0 %" for what is more than nothing."""
    percent = share * 100
    return "less than 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %".replace(".0 %", " %")
