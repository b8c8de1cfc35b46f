"""The state on disk: every change, torn lines, compaction."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from tests.aks_emulator.pieces import NOW, PLACE, created
from tools.aks_emulator.core.cluster_requests import stop
from tools.aks_emulator.core.fates import Fate
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Failure, Machine, MachinePhase, State
from tools.aks_emulator.core.pool_requests import Accepted


def story() -> list[State]:
    """States one after the other, with every kind of change."""
    first = created(tags={"a": "b"}).state
    node = PLACE.node_name("ws1", 0)
    second = first.with_machine(node, Machine("ws1", 0, MachinePhase.RUNNING))
    third = advance(second, NOW + 2)
    broken = Fate(verdict=Failure("AllocationFailed", "none"), boots=False)
    fourth = advance(created(third, name="ws2", fate=broken).state, NOW + 4)
    fifth = replace(fourth.without_pool("ws1").without_machine(node), limits={"cores": 7})
    stopping = stop(fifth, now=NOW + 5, seconds=1)
    assert isinstance(stopping, Accepted)
    return [State(), first, second, third, fourth, fifth, stopping.state]


def write(path: Path, states: list[State]) -> Journal:
    journal = Journal(path)
    for old, new in itertools.pairwise(states):
        journal.record(old, new)
    return journal


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    states = story()
    for length in range(2, len(states) + 1):
        path = tmp_path / f"{length}.jsonl"
        write(path, states[:length])
        assert Journal(path).open() == states[length - 1]


def test_opening_rewrites_the_journal_as_one_line(tmp_path: Path) -> None:
    journal = write(tmp_path / "state.jsonl", story())
    state = journal.open()
    assert len(journal.path.read_text().splitlines()) == 1
    assert journal.open() == state


def test_a_line_that_a_crash_cut_short_is_ignored(tmp_path: Path) -> None:
    states = story()
    journal = write(tmp_path / "state.jsonl", states)
    text = journal.path.read_text()
    journal.path.write_text(text[:-20])
    assert journal.open() == states[-2]


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    journal = write(tmp_path / "state.jsonl", story())
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join([lines[0], "{\n", *lines[1:]]))
    with pytest.raises(ValueError, match="Expecting"):
        journal.open()


def test_nothing_recorded_is_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state.jsonl")
    assert journal.open() is None


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    states = story()
    journal = write(tmp_path / "state.jsonl", states)
    size = journal.path.stat().st_size
    journal.record(states[-1], states[-1])
    assert journal.path.stat().st_size == size


def test_a_journal_that_was_wiped_away_is_written_whole(tmp_path: Path) -> None:
    states = story()
    journal = write(tmp_path / "state.jsonl", states[:3])
    journal.path.unlink()
    journal.record(states[2], states[3])
    assert journal.open() == states[3]
