"""Pages of documentation are fresh where generated, reachable, wrapped, and link to what exists."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.docgen.pages import pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = pages()
MAX_LINE = 100

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)(?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)
_PATH = re.compile(
    r"`((?:benchmarks|charts|cli|docs|examples|libs|proto|requirements|services|tests|tools)/[\w./-]+)`"
)
_TEMPLATE = "pull_request_template.md"
_GLOSSARY = DOCS / "contributing" / "glossary.md"
# Paths that stand for others.
EXAMPLE_PATHS = {"tests/package/test_module.py"}


def _tracked() -> list[Path]:
    """Every Markdown file of the checkout that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(path for line in listed.stdout.split() if (path := ROOT / line).exists())


PAGES = _tracked()
CHARTS = sorted((ROOT / "charts").rglob("Chart.yaml"))
# A generated page has a paragraph on each line.
WRITTEN = [page for page in PAGES if not page.read_text().startswith("<!-- Generated")]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _prose(page: Path) -> str:
    """The page with its fenced code left out; line numbers stay."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text())


def _targets(page: Path) -> list[tuple[str, Path, str]]:
    """Each link of the page: as written, the file it leads to, and the anchor."""
    found = []
    for link in _LINK.finditer(_CODE.sub("", _prose(page))):
        file, _, anchor = link["target"].partition("#")
        found.append((link["target"], (page.parent / file).resolve() if file else page, anchor))
    return found


def _anchors(page: Path) -> set[str]:
    """GitHub's anchors of the page's headings."""
    headings = (match["text"].lower() for match in _HEADING.finditer(_prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", REFERENCE, ids=_name)
def test_reference_is_fresh(path: Path) -> None:
    assert path.read_text() == REFERENCE[path], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link, target, anchor in _targets(page):
        assert target.exists(), f"{link} is not there"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), f"{link} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_paths_in_prose_exist(page: Path) -> None:
    """Nothing else notices when a file moves that a page names without a link."""
    gone = [path for path in _PATH.findall(_prose(page)) if not (ROOT / path).exists()]
    assert not [path for path in gone if path not in EXAMPLE_PATHS]


def test_every_page_is_reachable_from_the_table_of_contents() -> None:
    reached: set[Path] = set()
    queue = [DOCS / "index.md"]
    while queue:
        page = queue.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            queue += [target for _, target, _ in _targets(page) if target.is_file()]
    assert set(DOCS.rglob("*.md")) <= reached


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_prose_fits_the_line(page: Path) -> None:
    long = [
        f"line {number} has {len(line)} characters"
        for number, line in enumerate(_prose(page).splitlines(), start=1)
        # A table's row and a single link cannot be wrapped.
        if len(line) > MAX_LINE and not line.lstrip().startswith("|") and " " in line.strip()
    ]
    assert not long


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != _TEMPLATE], ids=_name)
def test_page_has_one_title(page: Path) -> None:
    assert sum(line.startswith("# ") for line in _prose(page).splitlines()) == 1


@pytest.mark.parametrize("chart", CHARTS, ids=_name)
def test_chart_has_a_generated_readme(chart: Path) -> None:
    readme = chart.with_name("README.md")
    assert readme in REFERENCE
    assert readme in PAGES


def test_every_path_of_the_glossary_exists() -> None:
    rows = [line for line in _GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    cells = [row.strip("| ").split(" | ")[-1] for row in rows]
    paths = [path for cell in cells for path in re.findall(r"`([^`]*/[^`]*)`", cell)]
    assert len(paths) > len(cells) / 2
    assert not [path for path in paths if not (ROOT / path).exists()]
