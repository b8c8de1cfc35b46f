"""The prepared examples of a run, as the trainer and reports take them, and as they are stored."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute as pc

from tuner.examples.example import Example, Note
from tuner.examples.statistics import FileShape, Sample, Statistics
from tuner.rows.record import Completion, Conversation, Lesson, Preference, Record, Text
from tuner.rows.row import LossCause
from tuner.rows.row_losses import LostRow, RowLosses

# In the folder of the prepared examples.
EXAMPLES, TRAIN, EVALUATION, REPORT = (
    "examples.arrow",
    "train.npy",
    "evaluation.npy",
    "report.json",
)
_LESSONS: Mapping[str, type[Lesson]] = {
    kind.__name__: kind for kind in (Conversation, Completion, Text)
}
_RECORDS = {*_LESSONS, Preference.__name__}


@dataclass(frozen=True, slots=True)
class PreparedData:
    """Examples with the columns input_ids and labels, mapped from disk; what was lost of the rows.

    `evaluation` is None if nothing is held back.
    """

    train: datasets.Dataset
    evaluation: datasets.Dataset | None
    losses: RowLosses
    statistics: Statistics

    def computed_tokens(self) -> Counter[int]:
        """How many examples take as many tokens of a batch, without what others make them padded
        to. A pair takes twice the longer of its answers."""
        if "chosen" not in self.train.column_names:
            return self.statistics.tokens
        table = self.train.data
        tokens = pc.list_value_length(table.column("input_ids")).to_numpy()
        chosen = table.column("chosen").to_numpy()
        widths, counts = np.unique(2 * np.maximum(chosen, tokens - chosen), return_counts=True)
        return Counter(dict(zip(widths.tolist(), counts.tolist(), strict=True)))


def load_prepared(folder: Path) -> PreparedData:
    """The data that was prepared in `folder`."""
    examples = datasets.Dataset.from_file(str(folder / EXAMPLES))
    held_back = np.load(folder / EVALUATION)
    losses, statistics = _read_report(folder / REPORT)
    return PreparedData(
        train=examples.select(np.load(folder / TRAIN)),
        evaluation=examples.select(held_back) if len(held_back) else None,
        losses=losses,
        statistics=statistics,
    )


def write_report(path: Path, losses: RowLosses, statistics: Statistics) -> None:
    """Store what `load_prepared` gives beside the examples."""
    document = {"losses": losses, "statistics": statistics}
    path.write_text(json.dumps(document, default=_to_json))


def _to_json(value: Any) -> Any:
    if not is_dataclass(value):
        return list(value) if isinstance(value, frozenset) else str(value)
    stored = {field.name: getattr(value, field.name) for field in fields(value)}
    kind = type(value).__name__
    return {**stored, "kind": kind} if kind in _RECORDS else stored


def _read_report(path: Path) -> tuple[RowLosses, Statistics]:
    document = json.loads(path.read_bytes())
    losses, statistics = document["losses"], document["statistics"]
    return (
        RowLosses(
            rows=losses["rows"],
            causes=Counter({LossCause(key): count for key, count in losses["causes"].items()}),
            first=[_lost_row(row) for row in losses["first"]],
        ),
        Statistics(
            **{
                **statistics,
                "tokens": _by_length(statistics["tokens"]),
                "learned": _by_length(statistics["learned"]),
                "rows": Counter(statistics["rows"]),
                "notes": Counter({Note(key): count for key, count in statistics["notes"].items()}),
                "shapes": {
                    name: FileShape(**{**shape, "columns": tuple(shape["columns"])})
                    for name, shape in statistics["shapes"].items()
                },
                "samples": [_sample(stored) for stored in statistics["samples"]],
            }
        ),
    )


def _lost_row(stored: Mapping[str, Any]) -> LostRow:
    return LostRow(**{**stored, "cause": LossCause(stored["cause"])})


def _by_length(stored: Mapping[str, int]) -> Counter[int]:
    return Counter({int(length): count for length, count in stored.items()})


def _sample(stored: Mapping[str, Any]) -> Sample:
    return Sample(
        file=stored["file"],
        number=stored["number"],
        record=_record(**stored["record"]),
        examples=tuple(Example(**example) for example in stored["examples"]),
    )


def _record(kind: str, **stored: Any) -> Record:
    if kind == Preference.__name__:
        return Preference(_lesson(**stored["chosen"]), _lesson(**stored["rejected"]))
    return _lesson(kind, **stored)


def _lesson(kind: str, **stored: Any) -> Lesson:
    if kind == Conversation.__name__:
        return Conversation(
            tuple(stored["messages"]), tuple(stored["tools"]), frozenset(stored["untrained"])
        )
    return _LESSONS[kind](**stored)
