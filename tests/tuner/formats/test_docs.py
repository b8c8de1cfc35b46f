"""The page about datasets names the formats that are read, and its examples of JSON are read."""

import re
from pathlib import Path

import pytest

from tests.tuner.formats.conftest import Values
from tuner.formats.file_format import ARCHIVE_SUFFIXES, COMPRESSION_SUFFIXES, FORMAT_SUFFIXES

PAGE = (Path(__file__).parents[3] / "docs/datasets.md").read_text()
SECTION = PAGE.partition("## File formats\n")[2].partition("\n## ")[0]
TABLE, _, RULES = SECTION.partition("\n- Each of them")
JSON_EXAMPLES = re.findall(r"\| `([\[{].*[\]}])` \|", SECTION.partition("### JSON\n")[2])


def test_table_lists_every_suffix() -> None:
    assert sorted(re.findall(r"`(\.\w+)`", TABLE)) == sorted(FORMAT_SUFFIXES)


def test_rules_list_every_compression_and_archive() -> None:
    named = set(re.findall(r"`(\.\w+)`", RULES))
    assert named == {*COMPRESSION_SUFFIXES, *ARCHIVE_SUFFIXES, ".json"}


@pytest.mark.parametrize("example", JSON_EXAMPLES)
def test_example_of_json_holds_two_rows(example: str, values: Values) -> None:
    assert values("x.json", example.encode()) == [{"text": "a"}, {"text": "b"}]


def test_page_has_an_example_of_each_layout_of_json() -> None:
    assert len(JSON_EXAMPLES) == 6
