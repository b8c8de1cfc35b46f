"""The dataset as a value: its files and its digest."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.records import read_shaped_rows
from tuner.file_digest import file_sha256
from tuner.layout.layout import Split, SplitFile


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of the dataset. `name` is relative to the data directory; for `origin`, see
    `SplitFile`.

    `shape` names that of its rows, in archives those of all files in it. A file of the split
    "validation" is never trained on: it evaluates the training.
    """

    name: str
    size: int
    sha256: str
    rows: int
    shape: str
    split: Split = "train"
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The data of one run.

    `digest` depends on the files' content, order and split, not on their names.
    """

    files: tuple[DataFile, ...]

    @property
    def digest(self) -> str:
        """The digest of the files' digests: "sha256:<hex>"."""
        text = "".join(
            f"{file.sha256}\n" if file.split == "train" else f"{file.sha256} {file.split}\n"
            for file in self.files
        )
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def rows(self) -> int:
        """The number of rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def split_files(self) -> tuple[SplitFile, ...]:
        """The files without what they hold."""
        return tuple(SplitFile(file.name, file.split, file.origin) for file in self.files)


def inspect_files(
    directory: Path,
    used: Sequence[SplitFile],
    config: DatasetConfig,
    *,
    max_bytes: int | None = None,
) -> Dataset:
    """The dataset that consists of the files `used` in `directory`. Reads all rows.

    See `read_shaped_rows` for `max_bytes`.

    Raises:
        RunError: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_COLUMN_MISSING, DATA_EMPTY or
            CONFIG_INVALID.
    """

    def inspect(file: SplitFile) -> DataFile:
        rows = read_shaped_rows([file], directory, config, max_bytes=max_bytes)
        shapes = Counter(shaped.shape.name for shaped in rows)
        path = directory / file.name
        return DataFile(
            name=file.name,
            size=path.stat().st_size,
            sha256=file_sha256(path),
            rows=shapes.total(),
            shape=", ".join(shapes),
            split=file.split,
            origin=file.origin,
        )

    return Dataset(files=tuple(map(inspect, used)))


def is_intact(directory: Path, data: Dataset) -> bool:
    """True if each file of `data` is in `directory` with its recorded content."""
    return all(
        (directory / file.name).is_file()
        and (directory / file.name).stat().st_size == file.size
        and file_sha256(directory / file.name) == file.sha256
        for file in data.files
    )
