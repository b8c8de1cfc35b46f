"""The dataset as a value: its files, their common schema and its digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.dataset_schema import DatasetSchema, find_schema
from tuner.data.file_contents import SUFFIXES, FileFormat, read_contents, unreadable
from tuner.errors import RunError
from tuner.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of the dataset. `name` is relative to the data directory."""

    name: str
    size: int
    sha256: str
    rows: int
    format: FileFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The data of one run. `digest` depends on the files' content and order, not on their names."""

    files: tuple[DataFile, ...]
    schema: DatasetSchema

    @property
    def digest(self) -> str:
        """The digest of the files' digests: "sha256:<hex>"."""
        text = "".join(f"{file.sha256}\n" for file in self.files)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def rows(self) -> int:
        """The number of rows in all files."""
        return sum(file.rows for file in self.files)


def inspect_files(directory: Path, names: Sequence[str], config: DatasetConfig) -> Dataset:
    """The dataset that consists of the files `names` in `directory`.

    Raises:
        RunError: DATA_UNREADABLE, DATA_COLUMN_MISSING or DATA_EMPTY.
    """
    if not names:
        raise RunError(
            Reason.DATA_EMPTY,
            f"{directory} holds no data file ({', '.join(sorted(SUFFIXES))}); "
            "check tuning.input and DatasetConfig.dataset_path",
        )
    files: list[DataFile] = []
    schemas: dict[DatasetSchema, str] = {}
    for name in names:
        path = directory / name
        contents = read_contents(path)
        schemas.setdefault(find_schema(name, contents, config), name)
        files.append(
            DataFile(
                name=name,
                size=path.stat().st_size,
                sha256=file_sha256(path),
                rows=contents.rows,
                format=contents.format,
            )
        )
    _check_uniform(directory, files, schemas)
    return Dataset(files=tuple(files), schema=next(iter(schemas)))


def list_data_files(directory: Path, config: DatasetConfig) -> list[str]:
    """The data files below `directory` that `config` selects, sorted and relative to it.

    Raises:
        RunError: CONFIG_INVALID, dataset_path does not exist or leads out of `directory`.
    """
    start = _resolve_dataset_path(directory, config.dataset_path)
    candidates = [start] if start.is_file() else sorted(start.rglob("*"))
    suffix = f".{config.dataset_extension.lstrip('.')}" if config.dataset_extension else None
    return [
        str(path.relative_to(directory))
        for path in candidates
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
        and (path.suffix.lower() == suffix if suffix else path.suffix.lower() in SUFFIXES)
    ]


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


def _resolve_dataset_path(directory: Path, dataset_path: str | None) -> Path:
    if dataset_path is None:
        return directory
    # Upstream's paths are below /mnt; ours are below the data directory, /mnt/data by default.
    relative = dataset_path.removeprefix("/mnt/").removeprefix("data/").lstrip("/")
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.exists():
        raise RunError(
            Reason.CONFIG_INVALID,
            f"training_config.yaml: DatasetConfig.dataset_path is {dataset_path!r}, which is not "
            f"in {directory}; use a path relative to it, or leave it out",
        )
    return directory / relative


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
