"""The members of zip and tar archives, as streams. Nothing is ever written under their names."""

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tuner.formats.byte_stream import ByteStream, seekable
from tuner.formats.file_format import Archive
from tuner.formats.foreign_files import check_zip
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import UnpackedBytes

ENCRYPTED = 0x1
MAX_NAME_LENGTH = 1024
REMEDY = "it may be an incomplete download; compare its size and digest, and provide it again"


def members(
    archive: ByteStream, kind: Archive, unpacked: UnpackedBytes, scratch: Path | None
) -> Iterator[tuple[str, ByteStream]]:
    """The names and contents of the files in `archive`, in its order.

    A stream is valid until the next one. Folders and links are skipped.

    Raises:
        RunError: DATA_UNREADABLE, or DATA_TOO_LARGE.
    """
    if kind is Archive.ZIP:
        return _zip_members(archive, unpacked, scratch)
    return _tar_members(archive, unpacked)


def _zip_members(
    archive: ByteStream, unpacked: UnpackedBytes, scratch: Path | None
) -> Iterator[tuple[str, ByteStream]]:
    label = archive.label
    with seekable(archive, scratch) as file:
        try:
            opened = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise label.fault(f"is a damaged zip archive: {error}", REMEDY) from error
        with opened:
            check_zip(opened.namelist(), label)
            for info in opened.infolist():
                if info.is_dir():
                    continue
                inner = label.member(_checked(info.filename, label), info.file_size)
                if info.flag_bits & ENCRYPTED:
                    raise inner.fault("is encrypted with a password", "provide it without one")
                try:
                    content = opened.open(info)
                except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
                    raise inner.fault(f"cannot be unpacked: {error}", REMEDY) from error
                with content:
                    yield (
                        info.filename,
                        ByteStream(content, inner, packed_as="zip", unpacked=unpacked),
                    )


def _tar_members(archive: ByteStream, unpacked: UnpackedBytes) -> Iterator[tuple[str, ByteStream]]:
    label = archive.label
    try:
        with tarfile.open(fileobj=archive, mode="r|") as opened:
            for info in opened:
                content = opened.extractfile(info) if info.isfile() else None
                if content is None:
                    continue
                inner = label.member(_checked(info.name, label), info.size)
                yield info.name, ByteStream(content, inner, packed_as="tar", unpacked=unpacked)
    except tarfile.TarError as error:
        raise label.fault(f"is a damaged tar archive: {error}", REMEDY) from error


def _checked(name: str, label: FileLabel) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not name.isprintable():
        raise label.fault(
            f"has a member whose name leads out of it or cannot be printed, {excerpt(name)}",
            "pack the data files with plain relative names",
        )
    if len(name) > MAX_NAME_LENGTH:
        raise label.fault(f"has a member with a very long name, {excerpt(name)}", "rename it")
    return name
