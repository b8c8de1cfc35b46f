"""The configurations of a dataset, by its README.md's metadata or by its folders. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml
from fsspec.utils import glob_translate

from tuner.layout.splits import Use, split_of, use_of

CARD_NAME = "README.md"
_METADATA = re.compile(r"\A---\s*\n(.*?)\n---\s*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A part of a dataset that is used alone: the files of each split. None: they name no split."""

    name: str
    files: Mapping[str, str | None]
    is_default: bool = False


def find_configurations(card: str, names: Sequence[str]) -> tuple[Configuration, ...]:
    """The configurations of the files `names`, of which `card` is the README.md; none if it has
    no parts that are used alone.

    Raises:
        ValueError: the metadata of `card` cannot be read.
    """
    return _of_card(card, names) or _of_folders(names)


def _of_card(card: str, names: Sequence[str]) -> tuple[Configuration, ...]:
    found = _METADATA.match(card)
    if found is None:
        return ()
    try:
        metadata = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    entries = metadata.get("configs") if isinstance(metadata, Mapping) else None
    if not isinstance(entries, list):
        return ()
    configurations = [
        Configuration(
            name=str(entry.get("config_name", "default")),
            files=_files_of(entry, names),
            is_default=entry.get("default") is True or entry.get("config_name") == "default",
        )
        for entry in entries
        if isinstance(entry, Mapping) and ("data_files" in entry or "data_dir" in entry)
    ]
    return tuple(configuration for configuration in configurations if configuration.files)


def _files_of(entry: Mapping[str, Any], names: Sequence[str]) -> dict[str, str | None]:
    prefix = str(entry.get("data_dir") or "").strip("./")
    inside = [name for name in names if not prefix or name.startswith(f"{prefix}/")]
    if "data_files" not in entry:
        return {name: split_of(name.removeprefix(f"{prefix}/")) for name in inside}
    files: dict[str, str | None] = {}
    for split, pattern in _patterns(entry["data_files"]):
        matches = re.compile(glob_translate(str(PurePosixPath(prefix) / pattern))).match
        files |= {name: split for name in inside if matches(name)}
    return files


def _patterns(data_files: Any) -> Iterable[tuple[str, str]]:
    """(split, pattern) from any of the forms that `data_files` may have."""
    if isinstance(data_files, str):
        yield Use.TRAIN.value, data_files
    elif isinstance(data_files, Mapping) and "path" not in data_files:
        for split, paths in data_files.items():
            for path in [paths] if isinstance(paths, str) else paths:
                yield str(split), str(path)
    elif isinstance(data_files, Mapping):
        paths = data_files["path"]
        for path in [paths] if isinstance(paths, str) else paths:
            yield str(data_files.get("split", Use.TRAIN.value)), str(path)
    elif isinstance(data_files, list):
        for item in data_files:
            yield from _patterns(item)


def _of_folders(names: Sequence[str]) -> tuple[Configuration, ...]:
    """Several folders side by side, each with splits of its own, are configurations."""
    folders: dict[str, dict[str, str | None]] = {}
    for name in names:
        folder, separator, rest = name.partition("/")
        if not separator or use_of(folder) is not None:
            return ()
        folders.setdefault(folder, {})[name] = split_of(rest)
    if len(folders) < 2 or not all(_has_train(files) for files in folders.values()):
        return ()
    return tuple(Configuration(folder, files) for folder, files in sorted(folders.items()))


def _has_train(files: Mapping[str, str | None]) -> bool:
    return any(split is not None and use_of(split) is Use.TRAIN for split in files.values())
