"""The page of chart values, from the comments in the values files."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.docgen.markdown import code, page, table

CHART = Path(__file__).resolve().parents[2] / "charts" / "kaito"

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[\w.-]+):")
_INTRODUCTION = (
    "`helm install kaito charts/kaito` takes these with `--set` or in a values file; a "
    "subchart's values stand below its name, as in `gpu-provisioner.replicaCount`. Every entry of "
    "a `settings` block is the environment variable of the same name: `logLevel` is "
    "`KAITO_LOG_LEVEL`."
)


@dataclass(frozen=True, slots=True)
class Value:
    """One commented key; one without a `# --` only groups others."""

    path: tuple[str, ...]
    comment: str
    default: Any
    groups: bool


def text() -> str:
    subcharts = sorted(path.name for path in (CHART / "charts").iterdir())
    return page("Chart values", _INTRODUCTION, _section("kaito"), *map(_section, subcharts))


def _section(name: str) -> str:
    whole = name == CHART.name
    file = (CHART if whole else CHART / "charts" / name) / "values.yaml"
    prefix = () if whole else (name,)
    rows = (
        (
            code(".".join((*prefix, *value.path))),
            "" if value.groups else code(json.dumps(value.default)),
            value.comment,
        )
        for value in values(file.read_text())
    )
    return f"## {name}\n\n{table(('Value', 'Default', 'Meaning'), rows)}"


def values(source: str) -> Iterator[Value]:
    """Every key that a comment stands right above of, in the file's order."""
    document = yaml.safe_load(source)
    comment: list[str] = []
    above: list[tuple[int, str]] = []
    for line in source.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip(" #"))
            continue
        if match := _KEY.match(line):
            indent = len(match["indent"])
            above = [*(outer for outer in above if outer[0] < indent), (indent, match["key"])]
            if comment:
                path = tuple(key for _, key in above)
                words = " ".join(comment)
                yield Value(
                    path=path,
                    comment=words.removeprefix("-- "),
                    default=_at(document, path),
                    groups=not words.startswith("-- "),
                )
        comment = []


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[key]
    return document
