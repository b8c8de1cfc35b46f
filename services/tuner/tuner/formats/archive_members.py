"""The members of zip and tar archives, as streams. Nothing is ever written under their names."""

import tarfile
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from tuner.formats.byte_stream import ByteStream, seekable
from tuner.formats.file_format import Archive
from tuner.formats.foreign_files import check_zip
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import UnpackedBytes

ENCRYPTED = 0x1
MAX_NAME_LENGTH = 1024
REMEDY = "it may be an incomplete download; compare its size and digest, and provide it again"


def member_names(archive: ByteStream, kind: Archive, scratch: Path | None) -> list[str]:
    """The names of the files in `archive`, in its order, without folders and links.

    Raises:
        RunError: DATA_UNREADABLE, or DATA_TOO_LARGE.
    """
    label = archive.label
    if kind is Archive.ZIP:
        with _open_zip(archive, scratch) as opened:
            names = [name for name in opened.namelist() if name and not name.endswith("/")]
        check_zip(names, label)
    else:
        with _open_tar(archive) as entries:
            names = [entry.name for entry in entries if entry.isfile()]
    for name in names:
        _check_name(name, label)
    return names


def read_members(
    archive: ByteStream,
    kind: Archive,
    wanted: Collection[str],
    unpacked: UnpackedBytes,
    scratch: Path | None,
) -> Iterator[ByteStream]:
    """The files in `archive` with the names `wanted`, each valid until the next one.

    Raises:
        RunError: DATA_UNREADABLE, or DATA_TOO_LARGE.
    """
    if kind is Archive.ZIP:
        with _open_zip(archive, scratch) as opened:
            for info in opened.infolist():
                if info.filename in wanted:
                    inner = archive.label.member(info.filename, info.file_size)
                    with _open_member(opened, info, inner) as content:
                        yield ByteStream(content, inner, packed_as=kind, unpacked=unpacked)
        return
    with _open_tar(archive) as entries:
        for entry in entries:
            if entry.isfile() and entry.name in wanted and (file := entries.extractfile(entry)):
                inner = archive.label.member(entry.name, entry.size)
                yield ByteStream(file, inner, packed_as=kind, unpacked=unpacked)


@contextmanager
def _open_zip(archive: ByteStream, scratch: Path | None) -> Iterator[zipfile.ZipFile]:
    with seekable(archive, scratch) as file:
        try:
            opened = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise archive.label.fault(f"is a damaged zip archive: {error}", REMEDY) from error
        with opened:
            yield opened


def _open_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, label: FileLabel) -> IO[bytes]:
    if info.flag_bits & ENCRYPTED:
        raise label.fault("is encrypted with a password", "provide it without one")
    try:
        return opened.open(info)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise label.fault(f"cannot be unpacked: {error}", REMEDY) from error


@contextmanager
def _open_tar(archive: ByteStream) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=archive, mode="r|") as opened:
            yield opened
    except tarfile.TarError as error:
        raise archive.label.fault(f"is a damaged tar archive: {error}", REMEDY) from error


def _check_name(name: str, label: FileLabel) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not name.isprintable():
        raise label.fault(
            f"has a member whose name leads out of it or cannot be printed, {excerpt(name)}",
            "pack the data files with plain relative names",
        )
    if len(name) > MAX_NAME_LENGTH:
        raise label.fault(f"has a member with a very long name, {excerpt(name)}", "rename it")
