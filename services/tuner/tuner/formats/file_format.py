"""The formats, compressions and archives that are read, and the suffixes of their files."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import PurePosixPath


class FileFormat(StrEnum):
    """How rows are written in a file."""

    PARQUET = "parquet"
    ARROW_FILE = "arrow"
    ARROW_STREAM = "arrow stream"
    JSON = "json"
    JSON_LINES = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    TEXT = "text"


class Compression(StrEnum):
    """What a single file is packed with."""

    GZIP = "gz"
    ZSTD = "zst"
    BZIP2 = "bz2"
    XZ = "xz"
    LZ4 = "lz4"


class Archive(StrEnum):
    """What several files are packed into."""

    ZIP = "zip"
    TAR = "tar"


FORMAT_SUFFIXES = {
    ".parquet": FileFormat.PARQUET,
    ".arrow": FileFormat.ARROW_FILE,
    ".feather": FileFormat.ARROW_FILE,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".txt": FileFormat.TEXT,
    ".md": FileFormat.TEXT,
}
COMPRESSION_SUFFIXES = {
    ".gz": Compression.GZIP,
    ".zst": Compression.ZSTD,
    ".bz2": Compression.BZIP2,
    ".xz": Compression.XZ,
    ".lz4": Compression.LZ4,
}
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".tgz"})
# Without suffix and in small letters. They lie beside data files and describe them.
NOT_DATA = frozenset(
    "readme license licence notice changelog citation contributing dataset_card dataset_info "
    "dataset_infos dataset_dict state config requirements".split()
)


def declared_format(name: str) -> FileFormat | None:
    """The format that the suffix of `name` stands for, below that of a compression."""
    return FORMAT_SUFFIXES.get(_uncompressed(name).suffix.lower())


def is_data_file(name: str) -> bool:
    """True if a file called `name` holds rows, as far as its name tells. For listing a folder."""
    path = PurePosixPath(name)
    if any(part.startswith((".", "__")) for part in path.parts):
        return False
    inner = _uncompressed(name)
    if inner.suffix.lower() in ARCHIVE_SUFFIXES:
        return True
    return declared_format(name) is not None and inner.stem.lower() not in NOT_DATA


def select_data_files(names: Iterable[str]) -> list[str]:
    """Those of `names` that hold rows. Text counts only on its own: beside tables it is notes."""
    data = [name for name in names if is_data_file(name)]
    tables = [name for name in data if declared_format(name) is not FileFormat.TEXT]
    return tables or data


def _uncompressed(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    return path.with_suffix("") if path.suffix.lower() in COMPRESSION_SUFFIXES else path
