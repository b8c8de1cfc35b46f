"""The counts of lost rows, as TuningService and the metrics report them."""

from tuner.reporting.tuning_run import LostRows
from tuner.rows.row_losses import RowLosses


def lost_rows(losses: RowLosses) -> LostRows:
    """The counts of `losses`. Causes have names that suit a label: "prompt_too_long"."""
    return LostRows(
        rows=losses.rows,
        dropped=losses.dropped,
        cut=losses.cut,
        by_cause={cause.name.lower(): count for cause, count in losses.by_cause().items()},
    )
