"""Reads data files and reports on them: the one way for the fetch phase and for `check`."""

from collections.abc import Callable, Sequence

from tuner.data_report.build import ReportFile, RunFacts, build_report
from tuner.data_report.input_file import InputFile
from tuner.data_report.report import DataReport
from tuner.data_report.rough_scan import RowSource, scan
from tuner.data_report.verdict import find_problem
from tuner.training_defaults import completion_only_loss


def inspect_data(
    inputs: Sequence[InputFile], facts: RunFacts, on_row: Callable[[], None] | None = None
) -> DataReport:
    """The report on `inputs`. `on_row` is called for each row that is read.

    Raises:
        RunError: a file cannot be read at all; what is wrong with its rows is in the report.
    """
    config = facts.config
    found = scan(
        [RowSource(item.rows(), item.is_validation) for item in inputs],
        config.dataset,
        learn_all=not completion_only_loss(config.training),
        on_row=on_row,
    )
    problem = find_problem(found, config.dataset.max_lost_rows, facts.model_limit)
    files = [
        ReportFile(name=item.file.name, format=item.format(), size=item.path.stat().st_size)
        for item in inputs
    ]
    return build_report(files, found, facts, problem)
