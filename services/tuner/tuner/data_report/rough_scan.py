"""Reads a dataset without a tokenizer: shapes, rows, losses, duplicates, and lengths by characters.

Rows that only a tokenizer or a chat template can judge are not found.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from kaito_training.sections import DatasetConfig
from tuner.data.records import ShapedRow
from tuner.data_report.findings import Findings
from tuner.data_report.report import SampleReport
from tuner.data_report.samples import REJECTED, SAMPLES, shorten_pieces
from tuner.rows.record import Completion, Conversation, Preference, Record, Text
from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_losses import RowLosses

# English text and code in the usual vocabularies; other languages take more tokens.
CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class _Scan:
    learn_all: bool
    losses: RowLosses = field(default_factory=RowLosses)
    rows: Counter[str] = field(default_factory=Counter)
    shapes: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    lengths: Counter[int] = field(default_factory=Counter)
    # 8 bytes for each record, so that the digests of many millions fit in memory.
    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    validation: int = 0
    samples: list[SampleReport] = field(default_factory=list)

    def read(self, shaped: ShapedRow) -> None:
        row, shape = shaped.row, shaped.shape
        self.losses.rows += 1
        self.rows[row.file] += 1
        self.shapes.setdefault(row.file, shape.name)
        self.choices.setdefault(row.file, shape.choice)
        try:
            self._add(row, shape.to_record(row), shaped.file.split == "validation")
        except RowFault as fault:
            self.losses.add(row, fault)

    def _add(self, row: Row, record: Record, is_validation: bool) -> None:
        pieces = tuple(record_pieces(record))
        if not self.learn_all and not any(learned for _, learned in pieces):
            raise RowFault(LossCause.NO_ANSWER, "no message of role assistant has a content")
        tokens = max(1, sum(len(text) for text, _ in pieces) // CHARACTERS_PER_TOKEN)
        self.lengths[tokens] += 1
        self.digests.append(_digest(pieces))
        self.validation += is_validation
        if len(self.samples) < SAMPLES:
            self.samples.append(
                SampleReport(
                    file=row.file, row=row.number, tokens=tokens, pieces=shorten_pieces(pieces)
                )
            )


def scan_roughly(
    rows: Iterable[ShapedRow], config: DatasetConfig, *, learn_all: bool = False
) -> Findings:
    """What `rows` hold.

    Args:
        learn_all: the model learns all texts, not only the answers.

    Raises:
        RunError: a file cannot be read, or has no shape.
    """
    found = _Scan(learn_all)
    for shaped in rows:
        found.read(shaped)
    records = len(found.digests)
    distinct = len(np.unique(np.frombuffer(found.digests, np.uint64)))
    held_back = found.validation
    if not found.validation and distinct:
        trained = max(1, round(distinct * config.train_test_split))
        held_back = round(records * (1 - trained / distinct))
    return Findings(
        is_exact=False,
        losses=found.losses,
        rows=found.rows,
        shapes=found.shapes,
        choices=found.choices,
        lengths=found.lengths,
        duplicates=records - distinct,
        train=records - held_back,
        held_back=held_back,
        samples=tuple(found.samples),
    )


def _digest(pieces: Iterable[tuple[str, bool]]) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for text, learned in pieces:
        digest.update(text.encode(errors="surrogatepass"))
        digest.update(b"learned" if learned else b"given")
    return int.from_bytes(digest.digest(), "little")


def record_pieces(record: Record) -> Iterator[tuple[str, bool]]:
    """The texts of `record`, each with whether the model learns it.

    What it learns to avoid is not marked as learned.
    """
    if isinstance(record, Preference):
        yield from record_pieces(record.chosen)
        yield REJECTED
        yield from ((text, False) for text, _ in record_pieces(record.rejected))
    elif isinstance(record, Text):
        yield record.text, True
    elif isinstance(record, Completion):
        yield record.prompt, False
        yield record.completion, True
    else:
        yield from _conversation_pieces(record)


def _conversation_pieces(conversation: Conversation) -> Iterator[tuple[str, bool]]:
    if conversation.tools:
        yield f"tools: {_json(conversation.tools)}\n", False
    for index, message in enumerate(conversation.messages):
        content = message.get("content") or ""
        calls = message.get("tool_calls")
        text = f"{content}{_json(calls) if calls else ''}"
        # The first message has nothing before it to answer.
        is_context = index == 0 or index in conversation.untrained
        learned = message["role"] == "assistant" and not is_context and bool(text)
        yield f"{message['role']}: ", False
        yield f"{text}\n", learned


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
