"""The report as Markdown, for the model card."""

import re
from collections.abc import Iterator

from tuner.data_report.document import Block, LabeledValues, Listing, Part, Section, Table
from tuner.data_report.report import DataReport
from tuner.data_report.sample_lines import visible
from tuner.data_report.sections import sections

# Characters that would end a table's cell, or start markup or HTML.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def render_markdown(report: DataReport, *, with_content: bool) -> str:
    """`report` with headings of the third level. See `sections` for `with_content`."""
    found = sections(report, with_content=with_content)
    return "\n\n".join(block for section in found for block in _section(section)) + "\n"


def escape(text: str) -> str:
    """`text` as Markdown that renders as `text`."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def _section(section: Section) -> Iterator[str]:
    yield f"### {section.title}"
    for part in section.parts:
        yield "\n".join(_part(part))


def _part(part: Part) -> Iterator[str]:
    match part:
        case Table():
            yield _row(part.heading)
            yield _row(
                tuple("---" if i < part.numeric else "--:" for i in range(len(part.heading)))
            )
            yield from (_row(tuple(map(escape, row))) for row in part.rows)
        case LabeledValues():
            yield from (f"- **{label}**: {escape(value)}" for label, value in part.values)
        case Listing():
            yield escape(part.introduction)
            yield ""
            yield from (f"- {escape(line)}" for line in part.lines)
        case Block():
            yield escape(part.caption)
            yield ""
            yield from _fenced([f"{mark} {line}" for mark, line in part.lines])


def _fenced(lines: list[str]) -> Iterator[str]:
    # One backtick more than any run of them in the data.
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    # Hubs color lines of a diff that start with +.
    yield f"{fence}diff"
    yield from lines
    yield fence


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
