"""A file of the user's machine, by its digest."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

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
    try:
        path = Path(name).expanduser()
        found = path.stat()
    except (OSError, RuntimeError) as error:
        # RuntimeError: "~NAME" of a user that this machine does not have.
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"--data {name!r} is no URL, and there is no such file to read: {why}"
        ) from None
    if S_ISDIR(found.st_mode):
        raise UsageError(
            f"--data {name!r} is a folder: name one file; several go into an archive "
            "(.zip, .tar.gz)"
        )
    if not S_ISREG(found.st_mode):
        raise UsageError(
            f"--data {name!r} is a pipe or a device: write it to a file, and name that"
        )
    if found.st_size == 0:
        raise UsageError(f"--data {name!r} is empty")
    if path.name.startswith("."):
        raise UsageError(
            f"--data {name!r}: a run does not read a file of this name: rename it to one that does "
            "not begin with a dot"
        )
    return LocalFile(path, found.st_size, _digest(path, found.st_size))


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
