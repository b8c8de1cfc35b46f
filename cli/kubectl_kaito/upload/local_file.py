"""A file of the user's machine, by its digest."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubectl_kaito.errors import UsageError

_CHUNK_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`digest` is the SHA-256 of its content, in hexadecimal digits."""

    path: Path
    size: int
    digest: str

    def prefix_digest(self, size: int) -> str:
        """That of its first bytes.

        Raises:
            UsageError: it cannot be read.
        """
        return _digest(self.path, size)

    def chunks(self, start: int) -> Iterator[bytes]:
        """Its bytes from there on.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise _unreadable(self.path, error) from None


def read_local_file(name: str) -> LocalFile:
    """Raises:
    UsageError: there is no such file, or it cannot be read.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        raise UsageError(
            f"--data {name} is a folder: name one file; several go into an archive (.zip, .tar.gz)"
        )
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(
            f"--data {name!r} is no URL, and there is no such file: {error.strerror}"
        ) from None
    if size == 0:
        raise UsageError(f"--data {name} is empty")
    return LocalFile(path, size, _digest(path, size))


def _digest(path: Path, size: int) -> str:
    found, left = hashlib.sha256(), size
    try:
        with path.open("rb") as file:
            while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
                found.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise _unreadable(path, error) from None
    return found.hexdigest()


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"--data {path} cannot be read: {error.strerror}")
