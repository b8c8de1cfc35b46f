"""Which file is generated from which values.yaml."""

import json
from pathlib import Path

import yaml

from tools.chartgen.schema import schema
from tools.chartgen.values import CHART, charts, values


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    folders = charts()
    found: dict[Path, str] = {}
    for name, folder in folders.items():
        source = (folder / "values.yaml").read_text()
        built = schema(
            f"Values of the chart {name}",
            yaml.safe_load(source),
            values(source),
            subcharts=set(folders) - {name} if folder == CHART else set(),
        )
        found[folder / "values.schema.json"] = json.dumps(built, indent=2) + "\n"
    return found
