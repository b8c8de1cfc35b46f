"""Counts what becomes of the rows while they are encoded."""

import logging
from array import array
from dataclasses import dataclass, field

import numpy as np

from tuner.data.record import Record
from tuner.data.row import Row, RowFault
from tuner.data.row_losses import NAMED_ROWS, RowLosses
from tuner.examples.example import Encoded
from tuner.examples.length import TooLong
from tuner.examples.split import Digests, Mask, record_digest
from tuner.examples.statistics import Sample, Statistics

logger = logging.getLogger(__name__)

# Enough to see what the model sees.
_SAMPLES = 3


@dataclass(slots=True)
class Tally:
    """Counts of a pass over the rows; some bytes for each record, in the order of the rows."""

    losses: RowLosses = field(default_factory=RowLosses)
    statistics: Statistics = field(default_factory=Statistics)
    _digests: "array[int]" = field(default_factory=lambda: array("Q"))
    _examples: "array[int]" = field(default_factory=lambda: array("L"))
    _validation: "array[int]" = field(default_factory=lambda: array("b"))

    @property
    def digests(self) -> Digests:
        """The digests of the records."""
        return np.array(self._digests, np.uint64)

    @property
    def is_validation(self) -> Mask:
        """Which records come as validation data."""
        return np.array(self._validation, bool)

    def per_example(self, mask: Mask) -> Mask:
        """A mask of records as one of their examples."""
        return np.repeat(mask, np.array(self._examples, np.int64))

    def lose(self, row: Row, fault: RowFault) -> None:
        """Count a row that is dropped or cut; the first ones are logged by name."""
        if isinstance(fault, TooLong):
            self.statistics.sufficient = max(self.statistics.sufficient, fault.sufficient)
        self.losses.add(row, fault)
        if self.losses.causes.total() <= NAMED_ROWS:
            logger.warning("%s", self.losses.first[-1])

    def add(self, row: Row, record: Record, encoded: Encoded, *, is_validation: bool) -> None:
        """Count a row that becomes examples."""
        statistics = self.statistics
        if encoded.cut is not None:
            self.lose(row, encoded.cut)
        if len(statistics.samples) < _SAMPLES:
            statistics.samples.append(Sample(row.file, row.number, record, encoded.examples))
        statistics.records += 1
        statistics.sufficient = max(statistics.sufficient, encoded.sufficient)
        statistics.notes.update(encoded.notes)
        for example in encoded.examples:
            statistics.tokens[len(example.input_ids)] += 1
            statistics.learned[example.learned] += 1
        self._digests.append(record_digest(encoded.examples))
        self._examples.append(len(encoded.examples))
        self._validation.append(is_validation)
