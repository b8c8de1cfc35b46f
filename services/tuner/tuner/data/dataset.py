"""The dataset as a value: its files, their common schema and its digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.dataset_schema import DatasetSchema, find_schema
from tuner.data.file_contents import FileFormat, read_contents, unreadable
from tuner.errors import RunError
from tuner.layout.layout import Split, SplitFile
from tuner.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of the dataset. `name` is relative to the data directory.

    A file of the split "validation" is never trained on: it evaluates the training.
    """

    name: str
    size: int
    sha256: str
    rows: int
    format: FileFormat
    split: Split = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The data of one run.

    `digest` depends on the files' content, order and split, not on their names.
    """

    files: tuple[DataFile, ...]
    schema: DatasetSchema

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


def inspect_files(directory: Path, used: Sequence[SplitFile], config: DatasetConfig) -> Dataset:
    """The dataset that consists of the files `used` in `directory`.

    Raises:
        RunError: DATA_UNREADABLE, DATA_COLUMN_MISSING or DATA_EMPTY.
    """
    files: list[DataFile] = []
    schemas: dict[DatasetSchema, str] = {}
    for file in used:
        path = directory / file.name
        contents = read_contents(path)
        schemas.setdefault(find_schema(file.name, contents, config), file.name)
        files.append(
            DataFile(
                name=file.name,
                size=path.stat().st_size,
                sha256=file_sha256(path),
                rows=contents.rows,
                format=contents.format,
                split=file.split,
            )
        )
    _check_uniform(directory, files, schemas)
    return Dataset(files=tuple(files), schema=next(iter(schemas)))


def file_sha256(path: Path) -> str:
    """The SHA-256 of the file at `path`, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(directory: Path, data: Dataset) -> bool:
    """True if each file of `data` is in `directory` with its recorded content."""
    return all(
        (directory / file.name).is_file()
        and (directory / file.name).stat().st_size == file.size
        and file_sha256(directory / file.name) == file.sha256
        for file in data.files
    )


def _check_uniform(
    directory: Path, files: Sequence[DataFile], schemas: dict[DatasetSchema, str]
) -> None:
    """All files are loaded as one table, so they need the same columns and file format."""
    if len(schemas) > 1:
        columns = "; ".join(
            f"{name} has {' and '.join(schema.columns)}" for schema, name in schemas.items()
        )
        raise RunError(
            Reason.DATA_COLUMN_MISSING,
            f"the data files have different columns: {columns}; give all files the same columns",
        )
    formats = {file.format: file.name for file in files}
    if len(formats) > 1:
        odd = next(reversed(formats.values()))
        raise unreadable(directory / odd, "its format differs from that of the other files")
