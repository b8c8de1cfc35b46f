"""Prepares the examples of a job, reports on them, and decides whether they can be trained on."""

from dataclasses import replace
from typing import Any

from tuner.data_report.build import build_report
from tuner.data_report.exact_scan import exact_findings
from tuner.data_report.input_file import InputFile
from tuner.data_report.publish import publish
from tuner.data_report.verdict import find_problem
from tuner.examples.encoder import Encoder
from tuner.examples.preparation import prepare
from tuner.examples.prepared_data import PreparedData
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
    """The examples of `job`, of `max_length` tokens at most.

    Publishes how many rows are lost, and leaves the report on the data in the results.

    Raises:
        RunError: DATA_ROWS_LOST, DATA_EMPTY, DATA_UNREADABLE, DATA_COLUMN_MISSING or
            CONFIG_INVALID.
    """
    encoder = Encoder(
        tokenizer, max_length, learn_all=not completion_only_loss(job.config.training)
    )
    prepared = prepare(job.data, job.data_dir, encoder, job.config.dataset, job.results.cache)
    publisher.publish(lost_rows=lost_rows(prepared.losses))
    found = exact_findings(prepared.losses, prepared.statistics, tokenizer, max_length)
    problem = find_problem(found, job.config.dataset.max_lost_rows, max_positions)
    files = [InputFile(job.data_dir, file).describe() for file in job.data.split_files]
    context = replace(job.context, model_limit=max_positions)
    if job.agreement.reporting:
        publish(build_report(files, found, context, problem), (job.results.root,))
    if problem is not None:
        raise problem
    return prepared
