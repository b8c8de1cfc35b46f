"""What reading a dataset found, with a tokenizer or without. Reports are built from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.data_report.report import SampleReport
from tuner.rows.row_losses import RowLosses


@dataclass(slots=True, kw_only=True)
class Findings:
    """`lengths` counts the examples by their tokens, and `learned` is the sum of learned tokens.

    `is_exact` is false if there was no tokenizer; see `Lengths`. `rows`, `shapes` and `choices`, in
    words why a file has its shape, are by file. `train` and `held_back` are numbers of examples,
    and `notes` count rows that are worth a word.
    """

    is_exact: bool
    losses: RowLosses
    rows: Mapping[str, int] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    lengths: Counter[int] = field(default_factory=Counter)
    learned: int | None = None
    duplicates: int = 0
    train: int = 0
    held_back: int = 0
    max_length: int | None = None
    sufficient: int | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    samples: tuple[SampleReport, ...] = ()
