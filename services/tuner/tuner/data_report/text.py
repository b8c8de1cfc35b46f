"""The report as text for a terminal or a log: aligned, at most WIDTH columns."""

from collections.abc import Iterator
from textwrap import wrap

from tuner.data_report.document import Block, LabeledValues, Listing, Part, Section, Table
from tuner.data_report.report import DataReport
from tuner.data_report.sample_lines import visible
from tuner.data_report.sections import sections

WIDTH = 100
INDENT = "  "


def render_text(report: DataReport) -> str:
    """`report` as lines without a line break at the end."""
    lines: list[str] = []
    for section in sections(report):
        lines += [*_section(section), ""]
    return "\n".join(line.rstrip() for line in [*lines, *_verdict(report)])


def _verdict(report: DataReport) -> list[str]:
    if not report.problem:
        return ["The data can be trained on."]
    text = f"The data cannot be trained on ({report.reason}): {report.problem}"
    return wrap(visible(text), WIDTH, break_on_hyphens=False)


def _section(section: Section) -> Iterator[str]:
    yield section.title
    for part in section.parts:
        for line in _part(part):
            yield INDENT + line


def _part(part: Part) -> Iterator[str]:
    match part:
        case Table():
            yield from _table(part)
        case LabeledValues():
            yield from _labeled_values(part)
        case Listing():
            yield part.introduction
            for line in part.lines:
                yield from _wrapped(visible(line), INDENT, INDENT * 2)
        case Block():
            yield visible(part.caption)
            for mark, line in part.lines:
                for piece in _chunks(line, WIDTH - len(INDENT) * 2 - 2):
                    yield f"{INDENT}{mark} {piece}"


def _table(table: Table) -> Iterator[str]:
    rows = [tuple(map(visible, row)) for row in (table.heading, *table.rows)]
    widths = _fitting([max(map(len, column)) for column in zip(*rows, strict=True)])
    for row in rows:
        cells = map(_shortened, row, widths)
        yield INDENT.join(
            cell.ljust(width) if index < table.numeric else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )


def _fitting(widths: list[int]) -> list[int]:
    """The widths of columns that fit into a line: the widest give way."""
    fitting = list(widths)
    while sum(fitting) > WIDTH - len(INDENT) * len(fitting):
        fitting[fitting.index(max(fitting))] -= 1
    return fitting


def _labeled_values(labeled: LabeledValues) -> Iterator[str]:
    width = max(len(label) for label, _ in labeled.values)
    for label, value in labeled.values:
        yield from _wrapped(
            visible(value), label.ljust(width) + INDENT, " " * (width + len(INDENT))
        )


def _wrapped(text: str, first: str, following: str) -> Iterator[str]:
    yield from wrap(
        text,
        WIDTH - len(INDENT),
        initial_indent=first,
        subsequent_indent=following,
        break_on_hyphens=False,
    )


def _shortened(text: str, width: int) -> str:
    """Start and end of a text that is too long: the end of a path tells most."""
    if len(text) <= width:
        return text
    start, end = width // 2, width - width // 2 - 1
    return f"{text[:start]}…{text[len(text) - end :]}"


def _chunks(text: str, width: int) -> Iterator[str]:
    for start in range(0, max(len(text), 1), width):
        yield text[start : start + width]
