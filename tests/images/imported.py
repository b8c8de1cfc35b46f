"""The libraries that a service imports, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = tuple(sorted(file.parent.name for file in (ROOT / "libs").glob("*/__init__.py")))


def _names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _library_file(module: str) -> Path | None:
    path = ROOT / "libs" / module.replace(".", "/")
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def libraries(folder: Path) -> set[str]:
    """The packages below libs/ that the code in `folder` needs, directly or indirectly."""
    waiting, seen = sorted(folder.rglob("*.py")), set[Path]()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += [f for name in _names(file) if (f := _library_file(name))]
    inside = (f.relative_to(ROOT / "libs") for f in seen if f.is_relative_to(ROOT / "libs"))
    return {path.parts[0] for path in inside}
