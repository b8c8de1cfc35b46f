"""The results of calls: one line of JSON each from a client, one table for a person."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What one call of a client gave."""

    client: str
    call: str
    result: str
    ok: bool


def parse(client: str, output: str) -> list[Result]:
    """The results that a client printed."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [Result(client, line["call"], line["result"], line["ok"]) for line in lines]


def table(results: Iterable[Result]) -> str:
    """The results as a table in Markdown."""
    rows = ["| Client | Call | Result | |", "|---|---|---|---|"]
    for each in results:
        cells = (each.client, each.call, each.result, "ok" if each.ok else "WRONG")
        rows.append(f"| {' | '.join(map(cell, cells))} |")
    return "\n".join(rows)


def cell(text: str) -> str:
    """A text as one cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
