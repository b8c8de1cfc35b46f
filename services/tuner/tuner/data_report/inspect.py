"""Reads data files and reports on them: the one way for the fetch phase and for `check`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kaito_training.sections import TrainingConfig
from tuner.data.records import ShapedRow
from tuner.data_report.build import RunContext, build_report
from tuner.data_report.findings import Findings
from tuner.data_report.input_file import InputFile
from tuner.data_report.report import DataReport
from tuner.data_report.rough_scan import scan_roughly
from tuner.data_report.verdict import find_problem
from tuner.training_defaults import completion_only_loss, max_length

# The files that a tokenizer has one of.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")


def inspect_data(
    inputs: Sequence[InputFile],
    context: RunContext,
    model: Path | None = None,
    on_row: Callable[[], None] = lambda: None,
) -> DataReport:
    """The report on `inputs`. `on_row` is called for each row that is read.

    It is exact if there is a tokenizer in the directory `model`.

    Raises:
        RunError: a file cannot be read at all, or the tokenizer cannot be loaded; what is wrong
            with the rows is in the report.
    """
    config = context.config
    rows = _rows(inputs, config, on_row)
    if model is not None and has_tokenizer(model):
        found, limit = _exact(rows, config, model)
        context = replace(context, model_limit=limit)
    else:
        learn_all = not completion_only_loss(config.training)
        found = scan_roughly(rows, config.dataset, learn_all=learn_all)
    problem = find_problem(found, config.dataset.max_lost_rows, context.model_limit)
    return build_report([item.describe() for item in inputs], found, context, problem)


def has_tokenizer(model: Path) -> bool:
    """Whether the directory `model` holds a tokenizer."""
    return any((model / name).is_file() for name in TOKENIZER_FILES)


def _rows(
    inputs: Sequence[InputFile], config: TrainingConfig, on_row: Callable[[], None]
) -> Iterator[ShapedRow]:
    for item in inputs:
        for row in item.rows(config.dataset):
            on_row()
            yield row


def _exact(
    rows: Iterator[ShapedRow], config: TrainingConfig, model: Path
) -> tuple[Findings, int | None]:
    """What the tokenizer finds, and the longest sequence that the model takes."""
    # Imported here because it takes seconds and hundreds of megabytes.
    from tuner.base_model.tokenizer import load_tokenizer, read_max_positions
    from tuner.data_report.exact_scan import scan_exactly
    from tuner.examples.encoder import Encoder

    tokenizer = load_tokenizer(model, config.model, config.training.get("eos_token"))
    max_positions = read_max_positions(model, config.model)
    limit = max_length(config.training, max_positions)
    encoder = Encoder(tokenizer, limit, learn_all=not completion_only_loss(config.training))
    return scan_exactly(rows, config.dataset, tokenizer, encoder), max_positions
