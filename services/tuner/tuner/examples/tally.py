"""Counts what becomes of the rows while they are encoded."""

import logging
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kaito_training.sections import DatasetConfig
from tuner.data.weights import Indices, weight_of, weighted_indices
from tuner.examples.example import Encoded
from tuner.examples.length import TooLong
from tuner.examples.split import count_duplicates, record_digest, split
from tuner.examples.statistics import Sample, Statistics
from tuner.layout.layout import SplitFile
from tuner.rows.record import Record
from tuner.rows.row import Row, RowFault
from tuner.rows.row_losses import NAMED_ROWS, RowLosses

logger = logging.getLogger(__name__)

# Enough to see what the model sees.
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class SplitExamples:
    """Numbers of examples, in the order of the rows. Weights may repeat and drop some."""

    trained: Indices
    held_back: Indices


@dataclass(slots=True)
class Tally:
    """Counts of a pass over the rows; some bytes for each record, in the order of the rows."""

    losses: RowLosses = field(default_factory=RowLosses)
    statistics: Statistics = field(default_factory=Statistics)
    _digests: "array[int]" = field(default_factory=lambda: array("Q"))
    _examples: "array[int]" = field(default_factory=lambda: array("L"))
    _file_of: "array[int]" = field(default_factory=lambda: array("L"))
    _files: dict[SplitFile, int] = field(default_factory=dict)

    def lose(self, row: Row, fault: RowFault) -> None:
        """Count a row that is dropped or cut; the first ones are logged by name."""
        if isinstance(fault, TooLong):
            self.statistics.sufficient = max(self.statistics.sufficient, fault.sufficient)
        self.losses.add(row, fault)
        if self.losses.causes.total() <= NAMED_ROWS:
            logger.warning("%s", self.losses.first[-1])

    def add(self, row: Row, record: Record, encoded: Encoded, file: SplitFile) -> None:
        """Count a row of `file` that becomes examples."""
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
        self._file_of.append(self._files.setdefault(file, len(self._files)))

    def split(self, config: DatasetConfig) -> SplitExamples:
        """The examples to train on and those held back; completes the statistics."""
        seed = config.shuffle_seed if config.shuffle_dataset else None
        digests = np.array(self._digests, np.uint64)
        file_of = np.array(self._file_of, np.int64)
        is_validation = np.array([f.split == "validation" for f in self._files], bool)[file_of]
        records = split(digests, is_validation, config.train_test_split, seed)
        left_out = len(digests) - int(np.sum(records.trained | records.held_back))
        if left_out:
            logger.warning(
                "%d validation rows are left out, because the training data contains them",
                left_out,
            )
        trained = np.flatnonzero(self._per_example(records.trained))
        # After the split: what is used twice must not be held back once.
        weights = [weight_of(file.name, file.origin, config.weights or {}) for file in self._files]
        drawn = weighted_indices(self._per_example(file_of)[trained], weights, config.shuffle_seed)
        chosen = SplitExamples(
            trained=trained[drawn],
            held_back=np.flatnonzero(self._per_example(records.held_back)),
        )
        self.statistics.train_examples = len(chosen.trained)
        self.statistics.evaluation_examples = len(chosen.held_back)
        self.statistics.duplicates = count_duplicates(digests)
        return chosen

    def _per_example(self, of_records: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of records as those of their examples."""
        return np.repeat(of_records, np.array(self._examples, np.int64))
