"""The version of a release. It is written in the umbrella's Chart.yaml; the others follow."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.release.errors import ReleaseError

CHART = Path("charts/kaito")


def read_version(root: Path) -> str:
    """Returns the version of the checkout at `root`.

    Raises:
        ReleaseError: another chart or pyproject.toml has a different one.
    """
    version = _chart(root / CHART)["version"]
    for place, found in _versions(root):
        if found != version:
            raise ReleaseError(
                f"{place} is {found!r}, but version in {CHART}/Chart.yaml is {version!r}: "
                "set both to the version of the release"
            )
    return str(version)


def _versions(root: Path) -> Iterator[tuple[str, str]]:
    umbrella = _chart(root / CHART)
    yield f"appVersion in {CHART}/Chart.yaml", umbrella["appVersion"]
    for dependency in umbrella["dependencies"]:
        name = dependency["name"]
        yield f"the version of the dependency {name} in {CHART}/Chart.yaml", dependency["version"]
        chart = _chart(root / CHART / "charts" / name)
        for field in ("version", "appVersion"):
            yield f"{field} in {CHART}/charts/{name}/Chart.yaml", chart[field]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    yield "version in pyproject.toml", project["version"]


def _chart(folder: Path) -> dict[str, Any]:
    chart: dict[str, Any] = yaml.safe_load((folder / "Chart.yaml").read_text())
    return chart
