"""The data set as a value: its files, their common shape and its digest; and its manifest."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tuner.config.sections import DatasetConfig
from tuner.data.contents import SUFFIXES, Format, not_readable, read_contents
from tuner.data.shape import Kind, Shape, find_shape
from tuner.errors import RunError
from tuner.reasons import Reason

MANIFEST = ".kaito-data.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of the data set. `name` is relative to the data directory."""

    name: str
    size: int
    sha256: str
    rows: int
    format: Format


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What is trained on. `digest` follows from the content of the files in their order."""

    files: tuple[DataFile, ...]
    shape: Shape

    @property
    def digest(self) -> str:
        """ "sha256:<hex>" over the digests of the files."""
        text = "".join(f"{file.sha256}\n" for file in self.files)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)


def inspect(directory: Path, names: Sequence[str], config: DatasetConfig) -> DataSet:
    """The data set that the files `names` in `directory` are.

    Errors: RunError(DATA_NOT_PARQUET | DATA_COLUMN_MISSING | DATA_EMPTY).
    """
    if not names:
        raise RunError(
            Reason.DATA_EMPTY,
            f"{directory} holds no data file ({', '.join(sorted(SUFFIXES))}); "
            "check tuning.input and DatasetConfig.dataset_path",
        )
    files: list[DataFile] = []
    shapes: dict[Shape, str] = {}
    for name in names:
        path = directory / name
        contents = read_contents(path)
        shapes.setdefault(find_shape(name, contents, config), name)
        files.append(
            DataFile(
                name=name,
                size=path.stat().st_size,
                sha256=file_sha256(path),
                rows=contents.rows,
                format=contents.format,
            )
        )
    _check_alike(directory, files, shapes)
    return DataSet(files=tuple(files), shape=next(iter(shapes)))


def data_file_names(directory: Path, config: DatasetConfig) -> list[str]:
    """The data files below `directory` that `config` selects, sorted.

    Errors: RunError(CONFIG_INVALID) when dataset_path leads out of `directory`.
    """
    start = _start(directory, config.dataset_path)
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
    """The hex sha256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path) -> tuple[str, DataSet] | None:
    """What `write_manifest` wrote to `path`; None when that is absent or broken."""
    try:
        document = json.loads(path.read_bytes())
        shape = Shape(Kind(document["shape"]["kind"]), tuple(document["shape"]["columns"]))
        files = tuple(DataFile(**file) for file in document["files"])
        return str(document["source"]), DataSet(files=files, shape=shape)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_manifest(path: Path, source: str, data: DataSet) -> None:
    """Records that `data` was made from what `source` identifies."""
    document = {"source": source, "digest": data.digest, **asdict(data)}
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(path)


def intact(directory: Path, data: DataSet) -> bool:
    """True when each file of `data` lies in `directory` with its recorded content."""
    return all(
        (directory / file.name).is_file()
        and (directory / file.name).stat().st_size == file.size
        and file_sha256(directory / file.name) == file.sha256
        for file in data.files
    )


def _start(directory: Path, wanted: str | None) -> Path:
    if wanted is None:
        return directory
    # Upstream's paths are below /mnt; ours are below the data directory, /mnt/data by default.
    relative = wanted.removeprefix("/mnt/").removeprefix("data/").lstrip("/")
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.exists():
        raise RunError(
            Reason.CONFIG_INVALID,
            f"training_config.yaml: DatasetConfig.dataset_path is {wanted!r}, which is not in "
            f"{directory}; use a path relative to it, or leave it out",
        )
    return directory / relative


def _check_alike(directory: Path, files: Sequence[DataFile], shapes: dict[Shape, str]) -> None:
    if len(shapes) > 1:
        found = "; ".join(
            f"{name} has {' and '.join(shape.columns)}" for shape, name in shapes.items()
        )
        raise RunError(
            Reason.DATA_COLUMN_MISSING,
            f"the data files do not have the same columns: {found}; give them all the same ones",
        )
    formats = {file.format: file.name for file in files}
    if len(formats) > 1:
        odd = next(reversed(formats.values()))
        raise not_readable(directory / odd, "it is of another format than the other files")
