"""Decides whether data can be trained on. Pure."""

from tuner.data_report.findings import Findings
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.row_limit import LengthLimits, check_row_limit


def find_problem(
    found: Findings, max_lost_rows: float, model_limit: int | None = None
) -> RunError | None:
    """Why a run with this data would stop before it trains; None if it would not."""
    try:
        check_row_limit(found.losses, max_lost_rows, _lengths(found, model_limit))
    except RunError as error:
        return error
    if found.train == 0:
        rows = f"none of the {found.losses.rows} rows" if found.losses.rows else "no row"
        return RunError(
            Reason.DATA_EMPTY, f"{rows} can be trained on; provide a file with training examples"
        )
    return None


def _lengths(found: Findings, model_limit: int | None) -> LengthLimits | None:
    if found.max_length is None or found.sufficient is None:
        return None
    return LengthLimits(max_length=found.max_length, sufficient=found.sufficient, model=model_limit)
