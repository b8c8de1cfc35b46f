"""The report in the model card."""

import pytest

from tests.tuner.data_report.reports import file, lost_row, report, sample
from tuner.data_report.markdown import escape, render_markdown
from tuner.data_report.report import RowReport

LOST = RowReport(read=3, dropped=1, causes={"empty": 1}, first_lost=(lost_row(2, "'my secret'"),))


def test_tables_lists_and_figures() -> None:
    text = render_markdown(report(rows=LOST), with_content=True)
    assert "| file | format | shape | rows | size |\n| --- | --- | --- | --: | --: |\n" in text
    assert "| train.jsonl | jsonl | messages | 1,000 | 1.2 MB |" in text
    assert "- train.jsonl, row 2: empty: 'my secret'" in text
    assert "- **cost**: $0.13 to $0.34 ($3.673 per hour, list price)" in text


def test_without_content_nothing_of_the_data_is_quoted() -> None:
    shown = sample(("my secret", True))
    text = render_markdown(report(rows=LOST, samples=(shown,)), with_content=False)
    assert "my secret" not in text
    assert "- train.jsonl, row 2: empty\n" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"\<script\>"),
        ("max_length", r"max\_length"),
        ("[x](y)", r"\[x\](y)"),
        ("`x`", r"\`x\`"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_names_are_text_and_not_markup(text: str, escaped: str) -> None:
    assert escape(text) == escaped
    name = render_markdown(report(files=(file(text),)), with_content=True)
    assert f"| {escaped} | jsonl |" in name


def test_a_fence_in_the_data_does_not_end_the_block() -> None:
    text = render_markdown(report(samples=(sample(("```\nx````", True)),)), with_content=True)
    assert "`````diff\n+ ```↵\n+ x````\n`````" in text
