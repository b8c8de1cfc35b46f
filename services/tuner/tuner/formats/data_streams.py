"""From a file to the streams of data in it: below its compression, or the members of an archive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tuner.formats.archive_members import members
from tuner.formats.byte_stream import ByteStream, open_file
from tuner.formats.compression import unpack
from tuner.formats.file_format import Compression, FileFormat, declared_format
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import UnpackedBytes
from tuner.formats.sniffing import archive_of

NAMED_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class DataStream:
    """`layers` are the compressions of `stream`, the inner first; `archive` is what it lies in."""

    stream: ByteStream
    layers: tuple[Compression, ...]
    archive: str | None = None


def data_streams(
    path: Path,
    label: FileLabel,
    max_bytes: int,
    scratch: Path | None,
    is_wanted: Callable[[str], bool],
) -> Iterator[DataStream]:
    """The data in the file at `path`, each stream valid until the next one.

    Text files in an archive count only if it has no others: beside tables they are notes.

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    for text_only in (False, True):
        unpacked = UnpackedBytes(label, max_bytes)
        with open_file(path, label) as file:
            stream, layers = unpack(file, unpacked)
            kind = archive_of(stream.head)
            if kind is None:
                yield DataStream(stream, layers)
                return
            seen: list[str] = []
            is_found = False
            for name, member in members(stream, kind, unpacked, scratch):
                seen.append(name)
                if is_wanted(name) and (declared_format(name) is FileFormat.TEXT) == text_only:
                    is_found = True
                    yield _member(member, unpacked, ".".join((kind, *layers)))
            if is_found:
                return
    held = ", ".join(map(excerpt, seen[:NAMED_MEMBERS])) or "nothing"
    more = f" and {len(seen) - NAMED_MEMBERS} more" if len(seen) > NAMED_MEMBERS else ""
    raise label.fault(
        f"is a {kind} archive without a data file; it holds {held}{more}",
        "pack the dataset as parquet, jsonl, csv or another format that is read",
    )


def _member(member: ByteStream, unpacked: UnpackedBytes, archive: str) -> DataStream:
    stream, layers = unpack(member, unpacked)
    if archive_of(stream.head):
        raise member.label.fault("is an archive within an archive", "pack the data files once")
    return DataStream(stream, layers, archive)
