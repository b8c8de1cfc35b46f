"""How far an upload is: a bar in a terminal, a line for each tenth elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_TENTHS = 10
_MIB = 2**20


@contextmanager
def shown(name: str, size: int, stream: TextIO) -> Iterator[Callable[[int], None]]:
    """Takes the bytes that are there; they may become fewer when an upload starts over."""
    if stream.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=stream)) as progress:
            task = progress.add_task(f"uploading {name}", total=size)
            yield lambda done: progress.update(task, completed=done)
        return
    last = -1

    def line(done: int) -> None:
        nonlocal last
        tenth = _TENTHS * done // size
        if tenth > last:
            last = tenth
            stream.write(f"uploaded {tenth * _TENTHS} % of {name}, {size / _MIB:.1f} MiB\n")

    yield line
