"""Pages of the documentation that are marked as runnable: every command, and what it prints."""

import time
from pathlib import Path

import pytest

from tools.demo.cluster import KaitoCluster
from tools.demo.pages import examples, is_runnable
from tools.demo.recording import PAGE, record
from tools.venvs import ROOT

DOCS = ROOT / "docs"
# The quickstart tunes a model.
PAGES = [
    pytest.param(
        page, id=str(page.relative_to(DOCS)), marks=[pytest.mark.long] if page == PAGE else []
    )
    for page in sorted(DOCS.rglob("*.md"))
    if is_runnable(page)
]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_prints_what_the_page_shows(clean: KaitoCluster, page: Path) -> None:
    began = time.monotonic()
    differences = record(clean, page)
    commands = len(examples(page))
    print(f"{page.name}: {commands} blocks of commands in {time.monotonic() - began:.0f} s")
    assert not differences, "\n".join(differences)
