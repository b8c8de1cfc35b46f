"""The cache keys of the model and the dataset cover the code that generates them."""

import ast

import pytest

from tools.preset_models import store
from tools.venvs import ROOT

FOLDER = ROOT / "tools" / "preset_models"


def imported(name: str) -> set[str]:
    """The modules of this package that a module imports, including itself."""
    found = {name}
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools."):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            for part in parts:
                if part not in found and (FOLDER / f"{part}.py").exists():
                    found |= imported(part)
    return found


@pytest.mark.parametrize("module", sorted(store.SOURCES))
def test_key_covers_every_imported_module(module: str) -> None:
    assert set(store.SOURCES[module]) == imported(module)


def test_keys_are_short_stable_and_distinct() -> None:
    keys = {module: store.key(module) for module in store.SOURCES}
    assert keys == {module: store.key(module) for module in store.SOURCES}
    assert len(set(keys.values())) == len(keys)
    assert all(len(key) == 12 for key in keys.values())
