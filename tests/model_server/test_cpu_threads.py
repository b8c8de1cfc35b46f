"""The number of compute threads, from cores, affinity and quota."""

import os
from pathlib import Path

import pytest

from model_server.startup.cpu_threads import choose_threads


def machine(folder: Path, siblings: list[str]) -> Path:
    """Describe logical CPUs by the list of those on the same core."""
    for number, text in enumerate(siblings):
        topology = folder / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{text}\n")
    return folder


TWO_THREADS_A_CORE = ["0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"]


@pytest.mark.parametrize(
    ("allowed", "limit", "threads"),
    [
        (range(8), "max 100000", 4),
        (range(8), None, 4),
        (range(8), "300000 100000", 3),
        (range(8), "250000 100000", 2),
        (range(8), "50000 100000", 1),
        (range(8), "1600000 100000", 4),
        ((0, 4), "max 100000", 1),
        ((1, 2, 6), "max 100000", 2),
        (range(8), "nonsense", 4),
        (range(8, 12), "max 100000", 4),
    ],
    ids="no-limit no-cgroup quota rounded-down below-one above one-core affinity broken unknown"
    .split(),
)  # fmt: skip
def test_threads_are_the_cores_that_may_be_used(
    tmp_path: Path, allowed: range | tuple[int, ...], limit: str | None, threads: int
) -> None:
    cpus = machine(tmp_path / "cpu", TWO_THREADS_A_CORE)
    if limit is not None:
        (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert choose_threads(allowed, cgroup=tmp_path, cpus=cpus) == threads


def test_this_machine_has_a_core() -> None:
    assert 1 <= choose_threads() <= len(os.sched_getaffinity(0))
