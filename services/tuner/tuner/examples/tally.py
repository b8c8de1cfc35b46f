"""Counts what becomes of the rows while they are encoded."""

import logging
from array import array
from dataclasses import dataclass, field

import numpy as np

from kaito_training.sections import DatasetConfig
from tuner.data.record import Record
from tuner.data.row import Row, RowFault
from tuner.data.row_losses import NAMED_ROWS, RowLosses
from tuner.examples.example import Encoded
from tuner.examples.length import TooLong
from tuner.examples.split import Mask, Parts, count_duplicates, record_digest, split
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

    def split(self, config: DatasetConfig) -> Parts:
        """Which examples are trained on and which are held back; completes the statistics."""
        seed = config.shuffle_seed if config.shuffle_dataset else None
        digests = np.array(self._digests, np.uint64)
        is_validation = np.array(self._validation, bool)
        records = split(digests, is_validation, config.train_test_split, seed)
        left_out = len(digests) - int(np.sum(records.trained | records.held_back))
        if left_out:
            logger.warning(
                "%d validation rows are left out, because they stand in the training data, too",
                left_out,
            )
        parts = Parts(self._per_example(records.trained), self._per_example(records.held_back))
        self.statistics.train_examples = int(np.sum(parts.trained))
        self.statistics.evaluation_examples = int(np.sum(parts.held_back))
        self.statistics.duplicates = count_duplicates(digests)
        return parts

    def _per_example(self, mask: Mask) -> Mask:
        """A mask of records as one of their examples."""
        return np.repeat(mask, np.array(self._examples, np.int64))
