"""What decisions are made of: no client, no framework, no clock."""

import ast
from pathlib import Path

import pytest

import workspace_controller

ROOT = Path(str(workspace_controller.__file__)).parent
FORBIDDEN = {"kopf", "lightkube", "grpc", "aiohttp", "asyncio", "kaito", "prometheus_client",
             "logging", "os", "time"}  # fmt: skip
EDGES = {
    "kopf": {"handlers.py"},
    "grpc": {"tuning_client.py"},
    "aiohttp": {"webhook.py"},
    "cryptography": {"certificates.py"},
    "lightkube": set(),
}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.Import):
            found |= {alias.name.split(".")[0] for alias in item.names}
        elif isinstance(item, ast.ImportFrom) and item.module:
            found.add(item.module.split(".")[0])
    return found


PURE = [
    *sorted((ROOT / "plan").rglob("*.py")),
    *sorted((ROOT / "manifests").glob("*.py")),
    ROOT / "observed.py",
    ROOT / "admission.py",
    ROOT / "settings.py",
]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_decisions_know_nothing_of_the_outside(path: Path) -> None:
    assert imported(path) & FORBIDDEN == set()


@pytest.mark.parametrize("package", EDGES)
def test_each_framework_is_known_to_one_module(package: str) -> None:
    knowing = {path.name for path in ROOT.rglob("*.py") if package in imported(path)}
    assert knowing == EDGES[package]
