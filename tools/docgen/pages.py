"""The generated pages and their generators."""

from collections.abc import Callable
from pathlib import Path

from tools.docgen import (
    charts,
    cloud_errors,
    inference_set,
    instance_types,
    kaito_examples,
    presets,
    reasons,
    workspace,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"

_PAGES: dict[str, Callable[[], str]] = {
    "workspace.md": workspace.text,
    "inference-set.md": inference_set.text,
    "reasons.md": reasons.text,
    "cloud-errors.md": cloud_errors.text,
    "presets.md": presets.text,
    "instance-types.md": instance_types.text,
    "charts.md": charts.text,
    "kaito-examples.md": kaito_examples.text,
}


def pages() -> dict[Path, str]:
    """The text of every generated page by its path."""
    return {FOLDER / name: text() for name, text in _PAGES.items()} | charts.readmes()
