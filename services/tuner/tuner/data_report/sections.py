"""What the report says, as sections. How they look is decided by text.py and markdown.py."""

from collections.abc import Iterator

from tuner.data_report import units
from tuner.data_report.cost_section import cost_values
from tuner.data_report.document import Block, LabeledValues, Listing, Part, Section, Table
from tuner.data_report.report import DataReport, Lengths, RowReport
from tuner.data_report.sample_lines import sample_lines
from tuner.data_report.training_plan import TrainingPlan
from tuner.rows.row_limit import format_share


def sections(report: DataReport, *, with_content: bool = True) -> list[Section]:
    """The sections of `report`; those of data that is unusable end with the rows.

    Without `with_content`, nothing that the data itself says is quoted.
    """
    found = [
        Section("Files", list(_files(report))),
        Section("Rows", list(_rows(report.rows, report.lengths, with_content))),
    ]
    if report.lengths.examples is not None:
        found.append(Section("Tokens", list(_tokens(report.lengths))))
        found.append(Section("Training", [LabeledValues(_plan(report.plan) + cost_values(report))]))
    if with_content and report.samples:
        title = "Examples as the model sees them"
        if not report.lengths.exact:
            title = "Examples, without the model's chat template"
        found.append(Section(title, list(_samples(report))))
    return found


def _files(report: DataReport) -> Iterator[Part]:
    rows = [
        (file.name, file.format, file.shape, units.count(file.rows), units.size(file.size))
        for file in report.files
    ]
    yield Table(("file", "format", "shape", "rows", "size"), rows, numeric=3)
    choices = [choice for file in report.files for choice in file.choices]
    if choices:
        yield Listing("What is read, and what is not:", choices)


def _rows(rows: RowReport, lengths: Lengths, with_content: bool) -> Iterator[Part]:
    share = (rows.dropped + rows.cut) / rows.read if rows.read else 0.0
    values = [("read", units.count(rows.read)), ("dropped", _of(rows.dropped, rows.read))]
    if lengths.exact:
        values.append(("cut", _of(rows.cut, rows.read)))
    else:
        values.append(("cut", "unknown: without the model's tokenizer no length is known"))
    allowed = f"allowed: {format_share(rows.max_lost_rows)} (DatasetConfig.max_lost_rows)"
    values.append(("lost in all", f"{format_share(share)}, {allowed}"))
    values.append(("duplicates", _of(rows.duplicates, rows.read)))
    yield LabeledValues(values)
    if rows.causes:
        lost = [f"{units.count(number)} {cause}" for cause, number in rows.causes.items()]
        yield Listing("Lost by cause:", lost)
    if rows.notes:
        yield Listing(
            "Worth knowing:",
            [f"{units.count(number, 'row')}: {note}" for note, number in rows.notes.items()],
        )
    if rows.first_lost:
        named = [
            f"{row['file']}, row {row['number']}: {row['cause']}"
            + (f": {row['detail']}" if with_content else "")
            for row in rows.first_lost
        ]
        lost_rows = units.count(rows.dropped + rows.cut)
        yield Listing(f"First {len(named)} of {lost_rows} lost rows:", named)


def _of(part: int, whole: int) -> str:
    share = f" ({format_share(part / whole)})" if part and whole else ""
    return f"{units.count(part)}{share}"


def _tokens(lengths: Lengths) -> Iterator[Part]:
    found = lengths.examples
    if found is None:
        return
    headings, values = zip(*found.columns(), strict=True)
    prefix = "" if lengths.exact else "~"
    yield Table(
        ("per example", *headings),
        [("tokens", *(f"{prefix}{units.count(value)}" for value in values))],
        numeric=1,
    )
    if not lengths.exact:
        yield LabeledValues([("in all", f"about {found.total:,} tokens (4 characters per token)")])
        return
    totals = [("in all", units.count(found.total))]
    if lengths.learned is not None:
        totals.append(("learned", _of(lengths.learned, found.total)))
    totals.append(("max_length", _max_length(lengths)))
    yield LabeledValues(totals)


def _max_length(lengths: Lengths) -> str:
    limit = "none" if lengths.max_length is None else units.count(lengths.max_length)
    text = f"{limit} in effect"
    if lengths.sufficient is not None:
        text += f"; {units.count(lengths.sufficient)} loses nothing"
        if lengths.model_limit is not None and lengths.sufficient > lengths.model_limit:
            text += f", but the model takes {units.count(lengths.model_limit)}"
    return text


def _plan(plan: TrainingPlan) -> list[tuple[str, str]]:
    per_step = f"{units.count(plan.batch_size, 'sequence')} per batch"
    if plan.accumulation != 1:
        per_step += f" x {plan.accumulation} accumulated"
    epochs = units.count(round(plan.epochs), "epoch")
    if not plan.epochs.is_integer():
        epochs = f"{plan.epochs:.3g} epochs"
    steps = f"{'about ' if plan.packed else ''}{units.count(plan.steps)}"
    packed = ", packed to max_length" if plan.packed else ""
    return [
        ("examples", f"{units.count(plan.examples)} per epoch"),
        ("held back", f"{units.count(plan.held_back)} for evaluation"),
        ("steps", f"{steps} ({epochs}, {per_step}{packed})"),
    ]


def _samples(report: DataReport) -> Iterator[Part]:
    for sample in report.samples:
        about = "" if report.lengths.exact else "about "
        size = f"{about}{units.count(sample.tokens, 'token')}"
        caption = f"{sample.file}, row {sample.row}: {size}"
        yield Block(f"{caption}; lines with + are learned", list(sample_lines(sample.pieces)))
