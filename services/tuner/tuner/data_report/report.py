"""The report as a value. It holds plain types only, so that it is stored as JSON unchanged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tuner.data_report.cost import Cost
from tuner.data_report.length_distribution import LengthDistribution
from tuner.data_report.training_plan import TrainingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One data file, under its name in the data directory. `size` is in bytes.

    `choices` are sentences: what else the rows could be read as, and which columns are not read.
    """

    name: str
    format: str
    shape: str
    rows: int
    size: int
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """What becomes of the rows. `causes` counts the lost ones, the most frequent first.

    `first_lost` names the first of them. `duplicates` are rows that equal an earlier one. `notes`
    count the rows of which something is worth saying although they are trained on.
    """

    read: int
    dropped: int = 0
    cut: int = 0
    max_lost_rows: float = 0.0
    causes: Mapping[str, int] = field(default_factory=dict)
    first_lost: tuple[Mapping[str, Any], ...] = ()
    duplicates: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Tokens of the examples, as the model sees them.

    `exact` is false if there was no tokenizer: tokens are then a quarter of the characters, nothing
    is known about cuts, and `learned` is None. `sufficient` is the smallest max_length that loses
    nothing, and `model_limit` the longest sequence that the model takes.
    """

    exact: bool
    examples: LengthDistribution | None
    learned: int | None = None
    max_length: int | None = None
    sufficient: int | None = None
    model_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """An example as the model sees it: pieces of decoded text, each learned or not."""

    file: str
    row: int
    tokens: int
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """`problem` and `reason` say why the data cannot be trained on; they are empty if it can."""

    files: tuple[FileReport, ...]
    rows: RowReport
    lengths: Lengths
    plan: TrainingPlan
    cost: Cost
    samples: tuple[SampleReport, ...] = ()
    problem: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)
