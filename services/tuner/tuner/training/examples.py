"""Turns the rows of the dataset into the examples that TRL expects. Pure, except for reading files.

A conversation becomes one example for each assistant message, with the loss on that message only:
this is what the model has to produce when it is served, and it needs no markers in the chat
template.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets

from tuner.data.dataset import Dataset
from tuner.data.dataset_schema import DatasetFormat, DatasetSchema
from tuner.errors import RunError
from tuner.layout.layout import Split
from tuner.reasons import Reason

Message = dict[str, str]
Rows = Mapping[str, Sequence[Any]]


def load_examples(
    data: Dataset,
    split: Split,
    directory: Path,
    cache: Path,
    *,
    chat: bool,
    completion_only: bool,
) -> datasets.Dataset:
    """The examples of a `split` of `data`, whose files are in `directory`; `cache` holds prepared
    ones.

    Args:
        chat: the model has a chat template, so prompts and completions go through it, too.
        completion_only: only the answers count for the loss, not all tokens.

    Raises:
        RunError: DATA_EMPTY or DATA_UNREADABLE.
    """
    rows = _load_rows(data, split, directory, cache)
    examples = rows.map(
        to_examples,
        batched=True,
        remove_columns=rows.column_names,
        fn_kwargs={"schema": data.schema, "chat": chat, "completion_only": completion_only},
        desc="Preparing examples",
    )
    if len(examples) == 0:
        raise RunError(
            Reason.DATA_EMPTY,
            f"none of the {len(rows)} rows of the {split} split holds an answer to learn from; a "
            "conversation needs a message of role assistant after one of role user",
        )
    return examples


def to_examples(
    rows: Rows, schema: DatasetSchema, chat: bool, completion_only: bool
) -> dict[str, list[Any]]:
    """A batch of rows (column → values) as a batch of examples."""
    columns = [rows[name] for name in schema.columns]
    if schema.format is DatasetFormat.LANGUAGE_MODELING:
        return {"text": [text for text in columns[0] if text]}
    if schema.format is DatasetFormat.PROMPT_COMPLETION and not chat:
        pairs = [pair for pair in zip(*columns, strict=True) if all(pair)]
        return {"prompt": [pair[0] for pair in pairs], "completion": [pair[1] for pair in pairs]}
    if schema.format is DatasetFormat.CONVERSATIONAL:
        conversations = columns[0]
    else:
        conversations = _as_conversations(columns)
    if not completion_only:
        return {"messages": [_normalized(messages) for messages in conversations if messages]}
    turns = [
        turn for messages in conversations for turn in assistant_turns(_normalized(messages or []))
    ]
    return {"prompt": [turn[0] for turn in turns], "completion": [turn[1] for turn in turns]}


def assistant_turns(messages: Sequence[Message]) -> list[tuple[list[Message], list[Message]]]:
    """Each assistant message with all messages before it: (prompt, completion)."""
    return [
        (list(messages[:index]), [message])
        for index, message in enumerate(messages)
        if index > 0 and message["role"] == "assistant" and message["content"]
    ]


def _as_conversations(columns: Sequence[Sequence[Any]]) -> list[list[Message]]:
    return [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
        for prompt, completion in zip(*columns, strict=True)
        if prompt and completion
    ]


def _normalized(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Messages with nothing but role and content."""
    return [{"role": message["role"], "content": message["content"] or ""} for message in messages]


def _load_rows(data: Dataset, split: Split, directory: Path, cache: Path) -> datasets.Dataset:
    file_format = data.files[0].format
    files = [str(directory / file.name) for file in data.files if file.split == split]
    try:
        return datasets.load_dataset(
            file_format, data_files=files, split="train", cache_dir=str(cache)
        )
    except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
        # The library wraps the parser's error, which is the one that helps.
        cause = error.__cause__ or error
        raise RunError(
            Reason.DATA_UNREADABLE,
            f"the data files cannot be read as {file_format}: {cause}; check them and write them "
            "again",
        ) from error
