"""The page of chart values and each chart's README, from the comments in the values files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.chartgen.schema import leaf
from tools.chartgen.values import CHART, charts, values
from tools.docgen.markdown import code, codes, page, table

_INTRODUCTION = """\
`helm install kaito charts/kaito` takes these with `--set` or in a values file; set a subchart's
values below its name, as in `gpu-provisioner.replicaCount`. Every entry of a `settings` block is
the environment variable of the same name: `logLevel` is `KAITO_LOG_LEVEL`.

Each chart has a `values.schema.json`, so Helm refuses a value of the wrong type, a value out of
range and a misspelled name. Text must be text: put tags and other texts that look like numbers in
quotes (`tag: "1.10"`), or use `--set-string`. YAML would turn 1.10 into 1.1."""

_UMBRELLA = """\
```sh
helm install kaito charts/kaito --namespace kaito-system --create-namespace --values my-values.yaml
```

No images are published, so `global.image.registry` is required: build and push your own. The
[installation guide](../../docs/installation.md) shows how, and how to create nodes on AKS, with
Karpenter or by hand. Set a subchart's values below its name, as in
`gpu-provisioner.replicaCount`."""

_SUBCHART = """\
Part of the chart [kaito](../../README.md), which installs it. There, set these values below the
name `{name}`."""


def text() -> str:
    """The page of all charts' values."""
    sections = (
        f"## {name}\n\n{_table(folder, () if folder == CHART else (name,))}"
        for name, folder in charts().items()
    )
    return page("Chart values", _INTRODUCTION, *sections)


def readmes() -> dict[Path, str]:
    """Every chart's README.md with its text."""
    return {folder / "README.md": _readme(name, folder) for name, folder in charts().items()}


def _readme(name: str, folder: Path) -> str:
    description = yaml.safe_load((folder / "Chart.yaml").read_text())["description"]
    introduction = _UMBRELLA if folder == CHART else _SUBCHART.format(name=name)
    return page(name, f"{description}.", introduction, "## Values", _table(folder, ()))


def _table(folder: Path, prefix: tuple[str, ...]) -> str:
    rows = (
        (
            code(".".join((*prefix, *value.path))),
            "" if value.groups else _type(leaf(value)),
            "" if value.groups else code(json.dumps(value.default)),
            value.comment,
        )
        for value in values((folder / "values.yaml").read_text())
    )
    return table(("Value", "Type", "Default", "Meaning"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    """A value's type as a reader wants it: `string`, `integer 1 to 65535`, or the choices."""
    if "enum" in schema:
        return codes(choice or '""' for choice in schema["enum"])
    if "type" not in schema:
        return "string"
    least, most = schema.get("minimum"), schema.get("maximum")
    limits = f"{least} to {most}" if most else f"at least {least}" if least is not None else ""
    return f"{schema['type']} {limits}".strip()
