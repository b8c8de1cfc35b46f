"""Rows of the data set → the examples that TRL takes. Pure, but for reading the files.

A conversation becomes one example per assistant turn, with the loss on that turn alone: this is
what the model is asked for when it is served, and it needs no marks in the chat template.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets

from tuner.data.dataset import DataSet
from tuner.data.shape import Kind, Shape
from tuner.errors import RunError
from tuner.reasons import Reason

Message = dict[str, str]
Rows = Mapping[str, Sequence[Any]]


def load_examples(
    data: DataSet, directory: Path, cache: Path, *, chat: bool, whole: bool
) -> datasets.Dataset:
    """The examples of `data`, whose files lie in `directory`; `cache` takes prepared ones.

    chat: the model has a chat template, so pairs are put into it too.
    whole: the loss is on all tokens, not on the answers alone.
    Errors: RunError(DATA_EMPTY | DATA_NOT_PARQUET).
    """
    rows = _read(data, directory, cache)
    examples = rows.map(
        to_examples,
        batched=True,
        remove_columns=rows.column_names,
        fn_kwargs={"shape": data.shape, "chat": chat, "whole": whole},
        desc="Making examples",
    )
    if len(examples) == 0:
        raise RunError(
            Reason.DATA_EMPTY,
            f"none of the {data.rows} rows holds an answer to learn from; a conversation needs a "
            "message of role assistant after one of role user",
        )
    return examples


def to_examples(rows: Rows, shape: Shape, chat: bool, whole: bool) -> dict[str, list[Any]]:
    """A batch of rows (column → values) as a batch of examples."""
    columns = [rows[name] for name in shape.columns]
    if shape.kind is Kind.TEXT:
        return {"text": [text for text in columns[0] if text]}
    if shape.kind is Kind.PAIRS and not chat:
        kept = [pair for pair in zip(*columns, strict=True) if all(pair)]
        return {"prompt": [pair[0] for pair in kept], "completion": [pair[1] for pair in kept]}
    talks = columns[0] if shape.kind is Kind.MESSAGES else _as_talks(columns)
    if whole:
        return {"messages": [_plain(talk) for talk in talks if talk]}
    found = [turn for talk in talks for turn in turns(_plain(talk or []))]
    return {"prompt": [turn[0] for turn in found], "completion": [turn[1] for turn in found]}


def turns(talk: Sequence[Message]) -> list[tuple[list[Message], list[Message]]]:
    """Each assistant turn of `talk` with all that came before it."""
    return [
        (list(talk[:place]), [message])
        for place, message in enumerate(talk)
        if place > 0 and message["role"] == "assistant" and message["content"]
    ]


def _as_talks(columns: Sequence[Sequence[Any]]) -> list[list[Message]]:
    return [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
        for prompt, completion in zip(*columns, strict=True)
        if prompt and completion
    ]


def _plain(talk: Sequence[Mapping[str, Any]]) -> list[Message]:
    return [{"role": one["role"], "content": one["content"] or ""} for one in talk]


def _read(data: DataSet, directory: Path, cache: Path) -> datasets.Dataset:
    files = [str(directory / file.name) for file in data.files]
    try:
        return datasets.load_dataset(
            data.files[0].format, data_files=files, split="train", cache_dir=str(cache)
        )
    except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
        cause = error.__cause__ or error
        raise RunError(
            Reason.DATA_NOT_PARQUET,
            f"the data files cannot be read as {data.files[0].format}: {cause}; write them anew",
        ) from error
