"""Reads a dataset with the model's tokenizer: as the training does, but nothing is stored."""

from collections.abc import Iterable, Iterator
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.data.records import ShapedRow
from tuner.data_report.findings import Findings
from tuner.data_report.report import SampleReport
from tuner.data_report.samples import REJECTED, shorten_pieces
from tuner.examples.encode_rows import encode_rows
from tuner.examples.encoder import Encoder
from tuner.examples.example import IGNORED_LABEL, Example
from tuner.examples.statistics import Sample, Statistics
from tuner.examples.tally import Tally
from tuner.rows.row_losses import RowLosses


def scan_exactly(
    rows: Iterable[ShapedRow], config: DatasetConfig, tokenizer: Any, encoder: Encoder
) -> Findings:
    """What `rows` hold. `encoder` encodes with `tokenizer`.

    Raises:
        RunError: a file cannot be read, or has no shape.
    """
    tally = Tally()
    for _ in encode_rows(rows, encoder, tally):
        pass
    tally.split(config)
    return exact_findings(tally.losses, tally.statistics, tokenizer, encoder.max_length)


def exact_findings(
    losses: RowLosses, statistics: Statistics, tokenizer: Any, max_length: int | None
) -> Findings:
    """What preparing the examples of a dataset found."""
    return Findings(
        is_exact=True,
        losses=losses,
        rows=statistics.rows,
        shapes={name: shape.name for name, shape in statistics.shapes.items()},
        choices={name: shape.choice for name, shape in statistics.shapes.items()},
        lengths=statistics.tokens,
        learned=sum(length * count for length, count in statistics.learned.items()),
        duplicates=statistics.duplicates,
        train=statistics.train_examples,
        held_back=statistics.evaluation_examples,
        max_length=max_length,
        sufficient=statistics.sufficient,
        notes={note.value: count for note, count in statistics.notes.items()},
        samples=tuple(_report(sample, tokenizer) for sample in statistics.samples),
    )


def _report(sample: Sample, tokenizer: Any) -> SampleReport:
    """The first example of a row: some rows become several."""
    example = sample.examples[0]
    return SampleReport(
        file=sample.file,
        row=sample.number,
        tokens=len(example.input_ids),
        pieces=shorten_pieces(_pieces(example, tokenizer)),
    )


def _pieces(example: Example, tokenizer: Any) -> Iterator[tuple[str, bool]]:
    if not example.chosen:
        yield from _decoded(example, tokenizer)
        return
    chosen, rejected = (
        Example(example.input_ids[side], example.labels[side])
        for side in (slice(example.chosen), slice(example.chosen, None))
    )
    yield from _decoded(chosen, tokenizer)
    yield REJECTED
    # The prompt has been shown.
    yield from ((text, False) for text, learned in _decoded(rejected, tokenizer) if learned)


def _decoded(example: Example, tokenizer: Any) -> Iterator[tuple[str, bool]]:
    """The text of each run of tokens that are learned, or not, with special tokens."""
    run: list[int] = []
    learned = False
    for token, label in zip(example.input_ids, example.labels, strict=True):
        is_learned = label != IGNORED_LABEL
        if is_learned != learned and run:
            yield _decode(run, tokenizer), learned
            run = []
        run.append(token)
        learned = is_learned
    if run:
        yield _decode(run, tokenizer), learned


def _decode(tokens: list[int], tokenizer: Any) -> str:
    # Cleaning up would hide spaces that the model sees.
    text = tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return str(text)
