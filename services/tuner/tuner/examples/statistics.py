"""What the examples of a dataset are like, in numbers, for reports."""

from collections import Counter
from dataclasses import dataclass, field

from tuner.examples.example import Example, Note
from tuner.rows.record import Record


@dataclass(frozen=True, slots=True)
class FileShape:
    """The shape that a file is read in, the columns that are used, and what led to them."""

    name: str
    columns: tuple[str, ...]
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row, what it teaches, and what the model sees of it. See `Row` for `file` and `number`."""

    file: str
    number: int
    record: Record
    examples: tuple[Example, ...]


@dataclass(slots=True)
class Statistics:
    """Numbers about all examples, those for training and those held back.

    `tokens` and `learned` count the examples by their number of tokens, and of tokens that the
    model learns. `duplicates` counts the records that equal an earlier one; they are trained on.
    `rows` counts all rows by file, also those that are lost.
    `sufficient` is the smallest max_length, in tokens, for which no row is dropped or cut.
    """

    records: int = 0
    duplicates: int = 0
    train_examples: int = 0
    evaluation_examples: int = 0
    sufficient: int = 0
    tokens: Counter[int] = field(default_factory=Counter)
    learned: Counter[int] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    notes: Counter[Note] = field(default_factory=Counter)
    shapes: dict[str, FileShape] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    @property
    def examples(self) -> int:
        """The number of all examples."""
        return self.train_examples + self.evaluation_examples
