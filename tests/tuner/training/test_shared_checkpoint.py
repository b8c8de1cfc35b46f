"""The checkpoint of several nodes, each of which has a disk of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tuner.processes.rank import Rank
from tuner.training import shared_checkpoint
from tuner.training.agreement import Agreement
from tuner.training.checkpoints import mark_complete, newest_complete
from tuner.training.shared_checkpoint import agreed_checkpoint, share_random_states

T = TypeVar("T")
SIZE, PER_NODE = 4, 2


class Mailboxes:
    """Where threads leave what processes would send each other."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)
        self.values: list[Any] = [None] * size

    def all(self, number: int, value: Any) -> list[Any]:
        self.values[number] = value
        self.barrier.wait()
        found = list(self.values)
        self.barrier.wait()
        return found


class ThreadAgreement(Agreement):
    """The agreement of a thread with the others, in place of a process."""

    def __init__(self, mailboxes: Mailboxes, number: int) -> None:
        self._mailboxes, self._number = mailboxes, number

    def gather(self, value: T) -> list[T]:
        return self._mailboxes.all(self._number, value)

    def from_process(self, number: int, value: T) -> T:
        found: T = self._mailboxes.all(self._number, value)[number]
        return found

    def wait(self) -> None:
        self._mailboxes.all(self._number, None)


def everywhere(run: Callable[[Rank, Agreement], T]) -> list[T]:
    """What `run` returns in each of four processes, on two nodes."""
    mailboxes = Mailboxes(SIZE)

    def of(number: int) -> T:
        rank = Rank(
            number=number,
            local=number % PER_NODE,
            size=SIZE,
            local_size=PER_NODE,
            reports=Path("none"),
        )
        return run(rank, ThreadAgreement(mailboxes, number))

    with ThreadPoolExecutor(SIZE) as pool:
        return list(pool.map(of, range(SIZE)))


def checkpoint(disk: Path, step: int, fingerprint: str = "inputs") -> Path:
    folder = disk / f"checkpoint-{step}"
    (folder / "deep").mkdir(parents=True)
    (folder / "optimizer.pt").write_bytes(bytes(range(256)) * 10)
    (folder / "deep/empty").touch()
    mark_complete(folder, fingerprint, {})
    return folder


def resumed(tmp_path: Path) -> list[str | None]:
    """The name of the checkpoint that each process resumes from, on the disk of its node."""

    def resume(rank: Rank, agreement: Agreement) -> str | None:
        disk = tmp_path / str(rank.number // PER_NODE)
        found = agreed_checkpoint(disk, "inputs", rank, agreement)
        if found is not None:
            assert found.parent == disk
            assert newest_complete(disk, "inputs") == found
        return None if found is None else found.name

    return everywhere(resume)


@pytest.fixture(autouse=True)
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(shared_checkpoint, "_PIECE_BYTES", 1000)
    found = [tmp_path / "0", tmp_path / "1"]
    for disk in found:
        disk.mkdir()
    return found


@pytest.mark.parametrize("left", [0, 1])
def test_a_node_without_a_checkpoint_gets_the_other_ones(
    left: int, disks: list[Path], tmp_path: Path
) -> None:
    kept = checkpoint(disks[left], 20)
    assert resumed(tmp_path) == ["checkpoint-20"] * SIZE
    sent = disks[1 - left] / "checkpoint-20"
    assert (sent / "optimizer.pt").read_bytes() == (kept / "optimizer.pt").read_bytes()
    assert (sent / "deep/empty").read_bytes() == b""


def test_the_newest_counts_wherever_it_is(disks: list[Path], tmp_path: Path) -> None:
    checkpoint(disks[0], 20)
    checkpoint(disks[1], 30)
    # Of a node that was killed while it received one.
    (disks[0] / "checkpoint-30.part").mkdir()
    (disks[0] / "checkpoint-30.part/optimizer.pt").write_bytes(b"half")
    assert resumed(tmp_path) == ["checkpoint-30"] * SIZE
    assert (disks[0] / "checkpoint-20").is_dir()


def test_a_broken_or_foreign_checkpoint_is_nobodys(disks: list[Path], tmp_path: Path) -> None:
    (checkpoint(disks[0], 40) / "optimizer.pt").write_bytes(b"broken")
    checkpoint(disks[0], 50, "other inputs")
    checkpoint(disks[1], 30)
    assert resumed(tmp_path) == ["checkpoint-30"] * SIZE


def test_without_a_checkpoint_all_begin(tmp_path: Path) -> None:
    assert resumed(tmp_path) == [None] * SIZE


def test_each_copy_has_the_random_states_of_all(disks: list[Path]) -> None:
    def save(rank: Rank, agreement: Agreement) -> None:
        folder = disks[rank.number // PER_NODE]
        (folder / f"rng_state_{rank.number}.pth").write_bytes(b"state %d" % rank.number)
        share_random_states(folder, rank, agreement)

    everywhere(save)
    for disk in disks:
        states = {path.name: path.read_bytes() for path in disk.iterdir()}
        assert states == {f"rng_state_{n}.pth": b"state %d" % n for n in range(SIZE)}
