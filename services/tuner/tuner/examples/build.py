"""Builds the prepared examples of a run in one pass over the rows."""

import logging
from pathlib import Path

import numpy as np

from kaito_training.sections import DatasetConfig
from tuner.data.dataset import Dataset
from tuner.data.records import read_shaped_rows
from tuner.examples.encode_rows import encode_rows
from tuner.examples.encoder import Encoder
from tuner.examples.example_writer import ExampleWriter
from tuner.examples.prepared_data import EVALUATION, EXAMPLES, REPORT, TRAIN, write_report
from tuner.examples.split import training_order
from tuner.examples.tally import Tally

logger = logging.getLogger(__name__)


def build(
    data: Dataset, directory: Path, encoder: Encoder, config: DatasetConfig, folder: Path
) -> None:
    """Write the examples of `data` to `folder`, with the split and what was counted.

    Raises:
        RunError: a data file cannot be read, or the model cannot take such data.
    """
    tally = Tally()
    with ExampleWriter(folder / EXAMPLES, pairs=config.preferences) as writer:
        rows = read_shaped_rows(data.split_files, directory, config)
        for examples in encode_rows(rows, encoder, tally):
            writer.write(examples)
    _write_split(tally, config, folder)
    write_report(folder / REPORT, tally.losses, tally.statistics)
    _log(tally)


def _write_split(tally: Tally, config: DatasetConfig, folder: Path) -> None:
    examples = tally.split(config)
    trained = examples.trained
    seed = config.shuffle_seed if config.shuffle_dataset else None
    np.save(folder / TRAIN, trained[training_order(len(trained), seed)])
    np.save(folder / EVALUATION, examples.held_back)


def _log(tally: Tally) -> None:
    statistics, losses = tally.statistics, tally.losses
    logger.info(
        "prepared %d examples to train on and %d to evaluate with, from %d rows",
        statistics.train_examples,
        statistics.evaluation_examples,
        losses.rows,
    )
    if losses.causes:
        causes = ", ".join(f"{count} {cause}" for cause, count in losses.by_cause().items())
        logger.warning("%d rows are dropped and %d are cut: %s", losses.dropped, losses.cut, causes)
    for note, count in statistics.notes.items():
        logger.warning("%d rows: %s", count, note)
    if statistics.duplicates:
        logger.info("%d rows are duplicates; they are kept", statistics.duplicates)
