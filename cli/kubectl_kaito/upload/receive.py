"""The program that takes an upload in the pod: standard library only, given as `python -c`.

It answers what it has, is told from where the rest comes, and reads that from its stdin. The file
gets its name once it is complete and its digest is right: until then it is hidden, and no run sees
it. So a connection that breaks costs what was on its way, and nothing else.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20


def receive(
    target: Path, size: int, digest: str, source: BinaryIO, answer: Callable[[str], None]
) -> None:
    """Ends early, with what has come kept, where `source` does."""
    if target.exists() and _digest(target) == digest:
        answer("complete")
        return
    partial = target.with_name(f".{digest[:16]}.partial")
    partial.touch()
    have = partial.stat().st_size
    answer(f"have {have} {_digest(partial)}")
    start = int(source.readline() or b"-1")
    if not 0 <= start <= have:
        return
    with partial.open("r+b") as file:
        file.truncate(start)
        file.seek(start)
        left = size - start
        while left > 0:
            # Not read(): it would wait for a whole chunk, and lose it if the connection breaks.
            chunk = os.read(source.fileno(), min(left, _CHUNK_BYTES))
            if not chunk:
                return
            file.write(chunk)
            left -= len(chunk)
        file.flush()
        os.fsync(file.fileno())
    if _digest(partial) != digest:
        partial.unlink()
        answer("damaged")
        return
    partial.replace(target)
    answer("complete")


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Unbuffered: what follows the first line is read from the descriptor.
    _stdin = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    receive(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], _stdin, _answer)
