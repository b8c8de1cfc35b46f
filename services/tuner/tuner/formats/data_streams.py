"""From a file to the streams of data in it: below its compression, or the members of an archive."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import RunError
from tuner.formats.archive_members import member_names, read_members
from tuner.formats.byte_stream import ByteStream, open_file
from tuner.formats.compression import unpack
from tuner.formats.file_format import Archive, Compression
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import UnpackedBytes
from tuner.formats.sniffing import archive_of

NAMED_MEMBERS = 5

# From the names of an archive's members to those that are read.
Choose = Callable[[Sequence[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class DataStream:
    """`layers` are the compressions of `stream`, the inner first; `archive` is what it lies in."""

    stream: ByteStream
    layers: tuple[Compression, ...]
    unpacked: UnpackedBytes
    archive: str | None = None


def data_streams(
    path: Path, label: FileLabel, max_bytes: int | None, scratch: Path | None, choose: Choose
) -> Iterator[DataStream]:
    """The data in the file at `path`, each stream valid until the next one.

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    unpacked = UnpackedBytes(label, max_bytes)
    with open_file(path, label) as file:
        stream, layers = unpack(file, unpacked)
        kind = archive_of(stream.head)
        if kind is None:
            yield DataStream(stream, layers, unpacked)
            return
        names = member_names(stream, kind, scratch)
    wanted = frozenset(choose(names))
    if not wanted:
        raise _no_data(label, kind, names)
    unpacked = UnpackedBytes(label, max_bytes)
    with open_file(path, label) as file:
        stream, _ = unpack(file, unpacked)
        for member in read_members(stream, kind, wanted, unpacked, scratch):
            inner, inner_layers = unpack(member, unpacked)
            if archive_of(inner.head):
                raise member.label.fault("is an archive within an archive", "pack the files once")
            yield DataStream(inner, inner_layers, unpacked, ".".join((kind, *layers)))


def _no_data(label: FileLabel, kind: Archive, names: Sequence[str]) -> RunError:
    held = ", ".join(map(excerpt, names[:NAMED_MEMBERS])) or "nothing"
    more = f" and {len(names) - NAMED_MEMBERS} more" if len(names) > NAMED_MEMBERS else ""
    return label.fault(
        f"is a {kind} archive without a data file; it holds {held}{more}",
        "pack the dataset as parquet, jsonl, csv or another format that is read",
    )
