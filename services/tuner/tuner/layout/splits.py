"""Which split a file belongs to, by its path, as Hugging Face `datasets` decides it. Pure."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath


class Use(StrEnum):
    """What a split is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# The keywords and separators of datasets.data_files.
_KEYWORDS: Mapping[str, Use] = {
    "train": Use.TRAIN,
    "training": Use.TRAIN,
    "validation": Use.VALIDATION,
    "valid": Use.VALIDATION,
    "dev": Use.VALIDATION,
    "val": Use.VALIDATION,
    "test": Use.TEST,
    "testing": Use.TEST,
    "eval": Use.TEST,
    "evaluation": Use.TEST,
}
_SEPARATORS = re.compile(r"[-._ 0-9]+")
_SHARD = re.compile(r"(?P<split>\w+(?:\.\w+)*)-\d{5}-of-\d{5}")


def split_of(path: str) -> str | None:
    """The name of the split that the file at `path` belongs to; None if the path names none.

    The name of a shard counts first (`train_sft-00000-of-00003.parquet`), then the folders from
    the nearest one up, then a word in the file's name.
    """
    pure = PurePosixPath(path)
    shard = _SHARD.match(pure.name)
    if shard is not None and use_of(shard["split"]) is not None:
        return shard["split"]
    for name in (*reversed(pure.parts[:-1]), pure.name):
        if (use := use_of(name)) is not None:
            return use.value
    return None


def use_of(name: str) -> Use | None:
    """What a split of this name is for, by the first keyword in it; None if it has none."""
    words = _SEPARATORS.split(name.lower())
    return next((_KEYWORDS[word] for word in words if word in _KEYWORDS), None)
