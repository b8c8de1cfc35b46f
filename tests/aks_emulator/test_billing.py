"""The book of what machines cost: state in, state out."""

from dataclasses import replace
from typing import Any

import pytest

from tests.aks_emulator.builders import GPU_SIZE, IDS, NOW, created
from tools.aks_emulator.core.billing import booked, dollars
from tools.aks_emulator.core.model import Charge, Machine, MachinePhase, State
from tools.aks_emulator.core.prices import SPOT_PART, recorded

NODE = IDS.node_name("ws1", 0)
STARTING = Machine("ws1", 0, MachinePhase.STARTING)
PRICE = recorded()[GPU_SIZE]
HOUR = 3600.0


def allocated(**properties: Any) -> State:
    return booked(created(**properties).state.with_machine(NODE, STARTING), NOW)


def lines(state: State) -> list[Charge]:
    return sorted(state.book.values(), key=lambda line: line.since)


def test_a_pool_without_a_machine_costs_nothing() -> None:
    state = created().state
    assert booked(state, NOW) is state
    assert state.book == {}


def test_a_machine_costs_from_its_allocation_until_it_is_gone() -> None:
    state = allocated()
    (line,) = lines(state)
    assert (line.pool, line.size, line.per_hour) == ("ws1", GPU_SIZE, PRICE)
    running = state.with_machine(NODE, replace(STARTING, phase=MachinePhase.RUNNING))
    assert booked(running, NOW + HOUR) is running
    assert dollars(line, NOW + HOUR) == pytest.approx(PRICE)
    ended = booked(running.without_machine(NODE), NOW + 2 * HOUR)
    (line,) = lines(ended)
    assert dollars(line, NOW + 9 * HOUR) == pytest.approx(2 * PRICE)
    assert booked(ended, NOW + 9 * HOUR) is ended


def test_another_price_counts_from_when_it_is_set() -> None:
    dearer = replace(allocated(), prices={GPU_SIZE: 2 * PRICE})
    first, second = lines(booked(dearer, NOW + HOUR))
    assert (first.until, second.since) == (NOW + HOUR, NOW + HOUR)
    assert dollars(first, NOW + 2 * HOUR) == pytest.approx(PRICE)
    assert dollars(second, NOW + 2 * HOUR) == pytest.approx(2 * PRICE)


def test_a_spot_machine_has_the_price_of_spot() -> None:
    spot: dict[str, Any] = {
        "scaleSetPriority": "Spot",
        "scaleSetEvictionPolicy": "Delete",
        "spotMaxPrice": -1,
    }
    (line,) = lines(allocated(**spot))
    assert line.spot
    assert line.per_hour == pytest.approx(PRICE * SPOT_PART)


def test_a_machine_outlives_its_pool_at_its_own_price() -> None:
    state = allocated().without_pool("ws1")
    assert booked(state, NOW + HOUR) is state


def test_a_node_that_is_created_again_has_a_line_of_its_own() -> None:
    gone = booked(allocated().without_machine(NODE), NOW + HOUR)
    again = booked(gone.with_machine(NODE, STARTING), NOW + 2 * HOUR)
    assert [line.since for line in lines(again)] == [NOW, NOW + 2 * HOUR]
