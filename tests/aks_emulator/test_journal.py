"""The state on disk: changes, torn lines and compaction."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from tests.aks_emulator.builders import IDS, NOW, created
from tools.aks_emulator.core.billing import booked
from tools.aks_emulator.core.cluster_requests import stop
from tools.aks_emulator.core.fault_injection import Outcome
from tools.aks_emulator.core.journal import Journal
from tools.aks_emulator.core.lifecycle import advance
from tools.aks_emulator.core.model import Failure, Machine, MachinePhase, State
from tools.aks_emulator.core.pool_requests import Accepted


def state_sequence() -> list[State]:
    """Consecutive states that cover every kind of change."""
    first = created(tags={"a": "b"}).state
    node = IDS.node_name("ws1", 0)
    second = first.with_machine(node, Machine("ws1", 0, MachinePhase.RUNNING))
    third = advance(second, NOW + 2)
    broken = Outcome(verdict=Failure("AllocationFailed", "none"), boots=False)
    fourth = advance(created(third, name="ws2", outcome=broken).state, NOW + 4)
    fifth = replace(fourth.without_pool("ws1").without_machine(node), limits={"cores": 7})
    stopping = stop(fifth, now=NOW + 5, seconds=1)
    assert isinstance(stopping, Accepted)
    priced = booked(replace(stopping.state, prices={"Standard_NC6s_v3": 4.2}), NOW + 6)
    return [State(), first, booked(second, NOW), third, fourth, fifth, stopping.state, priced]


def write(path: Path, states: list[State]) -> Journal:
    journal = Journal(path)
    for old, new in itertools.pairwise(states):
        journal.record(old, new)
    return journal


def test_recorded_states_are_read_back(tmp_path: Path) -> None:
    states = state_sequence()
    for length in range(2, len(states) + 1):
        path = tmp_path / f"{length}.jsonl"
        write(path, states[:length])
        assert Journal(path).open() == states[length - 1]


def test_opening_compacts_the_journal_into_one_line(tmp_path: Path) -> None:
    journal = write(tmp_path / "state.jsonl", state_sequence())
    state = journal.open()
    assert len(journal.path.read_text().splitlines()) == 1
    assert journal.open() == state


def test_torn_last_line_is_ignored(tmp_path: Path) -> None:
    states = state_sequence()
    journal = write(tmp_path / "state.jsonl", states)
    text = journal.path.read_text()
    journal.path.write_text(text[:-20])
    assert journal.open() == states[-2]


def test_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    journal = write(tmp_path / "state.jsonl", state_sequence())
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join([lines[0], "{\n", *lines[1:]]))
    with pytest.raises(ValueError, match="Expecting"):
        journal.open()


def test_missing_journal_has_no_state(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state.jsonl")
    assert journal.open() is None


def test_unchanged_state_is_not_written(tmp_path: Path) -> None:
    states = state_sequence()
    journal = write(tmp_path / "state.jsonl", states)
    size = journal.path.stat().st_size
    journal.record(states[-1], states[-1])
    assert journal.path.stat().st_size == size


def test_deleted_journal_is_rewritten_completely(tmp_path: Path) -> None:
    states = state_sequence()
    journal = write(tmp_path / "state.jsonl", states[:3])
    journal.path.unlink()
    journal.record(states[2], states[3])
    assert journal.open() == states[3]
