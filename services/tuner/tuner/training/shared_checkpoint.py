"""The newest checkpoint of a training on several nodes, each of which keeps its own copy.

Where a node has lost its disk with its pod, another one sends it the copy: the training goes on as
long as one of them is left, and needs no volume that several nodes can mount.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tuner.processes.rank import Rank
from tuner.training.agreement import Agreement
from tuner.training.checkpoints import PREFIX, newest_complete, step_of

# Of a file, at a time: it is in the memory of every process.
_PIECE_BYTES = 32 * 2**20
_RANDOM_STATE = "rng_state_{}.pth"


def agreed_checkpoint(
    directory: Path, fingerprint: str, rank: Rank | None, agreement: Agreement
) -> Path | None:
    """The checkpoint that all processes resume from, on the disk of each node; None without one."""
    if rank is None or rank.nodes == 1:
        return agreement.from_first(lambda: newest_complete(directory, fingerprint))
    own = newest_complete(directory, fingerprint) if rank.first_on_node else None
    steps = agreement.gather(-1 if own is None else step_of(own))
    newest = max(steps)
    if newest < 0:
        return None
    folder, sender = directory / f"{PREFIX}{newest}", steps.index(newest)
    lacking = [number for number in range(0, rank.size, rank.local_size) if steps[number] < newest]
    if lacking:
        _send(folder, sender, rank, agreement, receives=rank.number in lacking)
    agreement.wait()
    return folder


def share_random_states(folder: Path, rank: Rank | None, agreement: Agreement) -> None:
    """Give the copy of each node the random states of all processes, which each saves itself."""
    if rank is None or rank.nodes == 1:
        return
    own = folder / _RANDOM_STATE.format(rank.number)
    states = agreement.gather(own.read_bytes() if own.is_file() else b"")
    if rank.first_on_node:
        for number, state in enumerate(states):
            path = folder / _RANDOM_STATE.format(number)
            if state and not path.is_file():
                path.write_bytes(state)


def _send(folder: Path, sender: int, rank: Rank, agreement: Agreement, *, receives: bool) -> None:
    """Send the files of `folder` from the process `sender` to those that receive them.

    The folder gets its name when it is complete; its marker is one of the files.
    """
    sends = rank.number == sender
    files = _sizes(folder) if sends else {}
    part = folder.with_name(f"{folder.name}.part")
    if receives:
        # Of a process that was killed.
        shutil.rmtree(part, ignore_errors=True)
    for name, size in agreement.from_process(sender, files).items():
        if receives:
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(b"")
        pieces = _pieces(folder / name) if sends else iter(())
        for _ in range(0, size, _PIECE_BYTES):
            piece = agreement.from_process(sender, next(pieces, b""))
            if receives:
                with (part / name).open("ab") as file:
                    file.write(piece)
    if receives:
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)


def _sizes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
