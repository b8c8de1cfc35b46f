"""A stream of bytes that can be looked at before it is read, and that names its file in errors."""

import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa

from tuner.errors import RunError
from tuner.formats.label import FileLabel
from tuner.formats.limits import CHUNK_BYTES, HEAD_BYTES, UnpackedBytes
from tuner.reasons import Reason


class Readable(Protocol):
    """What a stream is made from."""

    def read(self, size: int, /) -> bytes: ...


# What the decompressors of the standard library and pyarrow raise on damaged input.
DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    pa.ArrowInvalid,
)


class ByteStream(io.RawIOBase):
    """`head` is the first MiB, or the whole stream if that is shorter; reading starts with it."""

    def __init__(
        self,
        source: Readable,
        label: FileLabel,
        *,
        path: Path | None = None,
        packed_as: str | None = None,
        unpacked: UnpackedBytes | None = None,
    ) -> None:
        super().__init__()
        self.label = label
        self.path = path
        """The file, if the stream is exactly its content."""
        self._source = source
        self._packed_as = packed_as
        self._unpacked = unpacked
        self._position = 0
        self.head = b""
        self.head = self._read_source(HEAD_BYTES)

    @property
    def is_complete(self) -> bool:
        """True if `head` is all there is."""
        return len(self.head) < HEAD_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        ahead = self.head[self._position : self._position + size]
        self._position += len(ahead)
        return ahead if len(ahead) == size else ahead + self._read_source(size - len(ahead))

    def _read_source(self, size: int) -> bytes:
        pieces: list[bytes] = []
        try:
            while size > 0 and (piece := self._source.read(size)):
                pieces.append(piece)
                size -= len(piece)
        except DAMAGE as error:
            raise self._damaged(error) from error
        data = b"".join(pieces)
        if self._unpacked is not None:
            self._unpacked.add(len(data))
        return data

    def _damaged(self, error: Exception) -> RunError:
        detail = str(error) or type(error).__name__
        if self._packed_as is None:
            return self.label.fault(f"cannot be read: {detail}", "check the volume")
        return self.label.fault(
            f"is damaged: it cannot be unpacked as {self._packed_as} ({detail})",
            "it may be an incomplete download; compare its size and digest, and provide it again",
        )


@contextmanager
def open_file(path: Path, label: FileLabel) -> Iterator[ByteStream]:
    """The content of the file at `path`."""
    try:
        # Unbuffered, as the stream reads a MiB at a time.
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise label.fault(f"cannot be read: {error.strerror}", "check the volume") from error
    with file:
        yield ByteStream(file, label, path=path)


def seekable(stream: ByteStream, scratch: Path | None) -> IO[bytes]:
    """The content of `stream` as a file: its own, or a copy in `scratch` without a name.

    Raises:
        RunError: DATA_TOO_LARGE, there is no space for the copy.
    """
    if stream.path is not None:
        return stream.path.open("rb")
    try:
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  returned open
        with closing(stream):
            shutil.copyfileobj(stream, copy, CHUNK_BYTES)
    except OSError as error:
        raise RunError(
            Reason.DATA_TOO_LARGE,
            f"{stream.label} cannot be unpacked into {scratch or tempfile.gettempdir()}: "
            f"{error.strerror}; provide it unpacked, or a larger volume",
        ) from error
    copy.seek(0)
    return copy
