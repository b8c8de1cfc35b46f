"""Takes single files out of an image's layers, and nothing else."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from kaito_registry.manifest import ImageInvalid

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Files of one folder of an image. What all layers unpack to may have `max_bytes`."""

    folder: str
    names: frozenset[str]
    max_bytes: int


class LayerFiles:
    """The selected files as they are after the layers so far, in the directory `target`.

    No path of an archive is ever written to: a file is recognized by its name, and stored under it.
    """

    def __init__(self, selection: Selection, target: Path) -> None:
        self._selection = selection
        self._target = target
        self._unpacked_bytes = 0

    def apply(self, layer: Path, *, gzipped: bool) -> None:
        """Apply one more layer, which lies in the file `layer`.

        Raises:
            ImageInvalid: it is no archive, or too large.
        """
        with ExitStack() as stack:
            file = stack.enter_context(layer.open("rb"))
            plain = stack.enter_context(gzip.open(file)) if gzipped else file
            counted = _CountedReader(cast(IO[bytes], plain), self._count)
            try:
                # As a stream, so that nothing but what is selected is kept.
                with tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|") as archive:
                    self._take(archive)
            # The numbers in an archive's extended headers raise a ValueError.
            except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
                raise ImageInvalid(f"has a layer that is no archive: {error}") from error

    def _take(self, archive: tarfile.TarFile) -> None:
        for member in archive:
            path = member.name.removeprefix("./").strip("/")
            folder, _, name = path.rpartition("/")
            if path == f"{_WHITEOUT}{self._selection.folder}":
                self._remove(self._selection.names)
            elif folder != self._selection.folder:
                continue
            elif name == _OPAQUE:
                self._remove(self._selection.names)
            elif name.startswith(_WHITEOUT):
                self._remove({name.removeprefix(_WHITEOUT)})
            elif name in self._selection.names:
                self._store(archive, member, name)

    def _store(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        # The holes of a sparse file take no room in the layer, so that nothing limits them.
        is_plain = member.isreg() and not member.issparse()
        content = archive.extractfile(member) if is_plain else None
        if content is None:
            raise ImageInvalid(f"has a {member.name} that is no plain file: copy the file itself")
        with (self._target / name).open("wb") as file:
            shutil.copyfileobj(content, file)

    def _remove(self, names: Iterable[str]) -> None:
        for name in self._selection.names.intersection(names):
            (self._target / name).unlink(missing_ok=True)

    def _count(self, size: int) -> None:
        self._unpacked_bytes += size
        if self._unpacked_bytes > self._selection.max_bytes:
            limit = self._selection.max_bytes // 2**20
            raise ImageInvalid(f"unpacks to more than {limit} MiB, which no adapter has")


class _CountedReader:
    """A readable file that reports the size of each read."""

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._count(len(data))
        return data
