"""kopf is used through its public names only, which import contracts cannot express."""

import ast
import re
from pathlib import Path

import workspace_controller

ROOT = Path(str(workspace_controller.__file__)).parent


def imported_names(path: Path) -> set[str]:
    """Every import by its full name, for example kopf._core.engines.peering.Identity."""
    found: set[str] = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.Import):
            found |= {alias.name for alias in item.names}
        elif isinstance(item, ast.ImportFrom) and item.module:
            found |= {f"{item.module}.{alias.name}" for alias in item.names}
    return found


# Import contracts see an external package as a whole, so a test tells kopf from kopf._core.
REPOSITORY = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("libs", "services", "tests", "tools", "cli", "benchmarks")
    for path in (REPOSITORY / folder).rglob("*.py")
]
PRIVATE_KOPF = re.compile(r"\bkopf(\.\w+)*\._(?!_)")


def test_no_private_part_of_kopf_is_used() -> None:
    assert ROOT / "handlers.py" in SOURCES
    for path in SOURCES:
        text = path.read_text()
        if "kopf" in text and path != Path(__file__):
            names = imported_names(path)
            assert not [name for name in names if PRIVATE_KOPF.match(name)], path
            assert not PRIVATE_KOPF.search(text), path


def test_private_parts_of_kopf_are_recognized() -> None:
    assert PRIVATE_KOPF.search("from kopf._core.engines.peering import Identity")
    assert PRIVATE_KOPF.search("kopf.on._decorator")
    assert not PRIVATE_KOPF.search("kopf.on.event(...), kopf.__version__")
