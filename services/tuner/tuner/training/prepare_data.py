"""Prepares the examples of a job, and decides whether enough of the data is left to train on."""

from typing import Any

from tuner.data.row_limit import LengthLimits, check_row_limit
from tuner.errors import RunError
from tuner.examples.encoder import Encoder
from tuner.examples.preparation import prepare
from tuner.examples.prepared_data import PreparedData
from tuner.reasons import Reason
from tuner.reporting.lost_rows import lost_rows
from tuner.reporting.status_publisher import StatusPublisher
from tuner.training.training_job import TrainingJob
from tuner.training_defaults import completion_only_loss


def prepare_data(
    job: TrainingJob,
    publisher: StatusPublisher,
    tokenizer: Any,
    max_length: int | None,
    max_positions: int | None,
) -> PreparedData:
    """The examples of `job`, of `max_length` tokens at most. Publishes how many rows are lost.

    Raises:
        RunError: DATA_ROWS_LOST, DATA_EMPTY, DATA_UNREADABLE, DATA_COLUMN_MISSING or
            CONFIG_INVALID.
    """
    encoder = Encoder(
        tokenizer, max_length, learn_all=not completion_only_loss(job.config.training)
    )
    prepared = prepare(job.data, job.data_dir, encoder, job.config.dataset, job.results.cache)
    publisher.publish(lost_rows=lost_rows(prepared.losses))
    check_row_limit(
        prepared.losses,
        job.config.dataset.max_lost_rows,
        LengthLimits(
            max_length=max_length,
            sufficient=prepared.statistics.sufficient,
            model=max_positions,
        )
        if max_length is not None
        else None,
    )
    if len(prepared.train) == 0:
        raise RunError(
            Reason.DATA_EMPTY,
            f"none of the {prepared.losses.rows} rows can be trained on; the log names "
            "the first ones with the cause",
        )
    return prepared
