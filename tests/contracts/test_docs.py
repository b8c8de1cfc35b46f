"""The reference pages are what would be generated now, and no page leads nowhere."""

import re
from pathlib import Path

import pytest

from tools.docgen.pages import pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = pages()
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("README.md")])

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)(?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = (match["text"].lower() for match in _HEADING.finditer(_FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", REFERENCE, ids=_name)
def test_reference_is_fresh(path: Path) -> None:
    assert path.read_text() == REFERENCE[path], "run `make docs`"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    text = _CODE.sub("", _FENCE.sub("", path.read_text()))
    for link in _LINK.finditer(text):
        file, _, anchor = link["target"].partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link['target']} is not there"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target.read_text()), f"{link['target']} has no such heading"


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=_name)
def test_every_page_stands_in_the_table_of_contents(path: Path) -> None:
    index = DOCS / "index.md"
    linked = {
        (DOCS / link["target"].partition("#")[0]).resolve()
        for link in _LINK.finditer(index.read_text())
    }
    assert path == index or path.resolve() in linked
