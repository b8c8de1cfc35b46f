"""A pod whose programs are processes of this machine, and whose volume is a folder."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from kaito_kube.errors import Unavailable


class LocalProcess:
    """`breaks_after` is the number of bytes after which the connection is lost."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], breaks_after: int | None) -> None:
        self._stdin, self._stdout, self._left = stdin, stdout, breaks_after

    def write(self, data: bytes) -> None:
        if self._left is not None:
            data, self._left = data[: self._left], self._left - len(data)
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except OSError as error:
            raise Unavailable("the program has ended") from error
        if self._left is not None and self._left <= 0:
            raise Unavailable("the connection is lost")

    def read_line(self) -> str:
        if not (line := self._stdout.readline()):
            raise Unavailable("the program has ended")
        return line.decode().rstrip("\n")


@dataclass
class LocalPod:
    """`breaks` are for the next connections, in their order."""

    folder: Path
    breaks: list[int | None] = field(default_factory=list)
    connections: int = 0
    on_end: Callable[[], None] = lambda: None

    @contextmanager
    def __call__(self, command: Sequence[str]) -> Iterator[LocalProcess]:
        self.connections += 1
        breaks_after = self.breaks.pop(0) if self.breaks else None
        here = [each.replace("/data/", f"{self.folder}/") for each in command[1:]]
        running = subprocess.Popen(
            [sys.executable, *here], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert running.stdin is not None and running.stdout is not None
        try:
            yield LocalProcess(running.stdin, running.stdout, breaks_after)
        finally:
            running.stdin.close()
            running.wait(timeout=30)
            running.stdout.close()
            self.on_end()
