"""How pools and operations go on as time passes: state in, state out."""

from dataclasses import replace

import pytest

from tests.aks_emulator.pieces import NOW, PLACE, TERMS, created
from tools.aks_emulator.core.cluster_requests import start, stop
from tools.aks_emulator.core.fates import Fate
from tools.aks_emulator.core.lifecycle import advance, machine_failed, next_due, plan, wanted
from tools.aks_emulator.core.model import (
    Failure,
    Machine,
    MachinePhase,
    OperationStatus,
    PoolState,
    Power,
    State,
)
from tools.aks_emulator.core.pool_requests import Accepted, Conditions, delete

NODE = PLACE.node_name("ws1", 0)
RUNNING = Machine("ws1", 0, MachinePhase.RUNNING)
STARTING = Machine("ws1", 0, MachinePhase.STARTING)
DUE = NOW + TERMS.operation_seconds
BROKEN = Failure("AllocationFailed", "no capacity")
NOTHING = frozenset[str]()


def deleting(state: State, now: float, fate: Fate | None = None) -> Accepted:
    outcome = delete(state, "ws1", Conditions(), fate or Fate(), TERMS, now)
    assert isinstance(outcome, Accepted)
    return outcome


def succeeded() -> State:
    state = created().state.with_machine(NODE, RUNNING)
    return advance(state, DUE)


@pytest.mark.parametrize(
    ("fate", "machine", "now", "pool", "operation"),
    [
        pytest.param(
            Fate(), RUNNING, DUE - 0.1, PoolState.CREATING, OperationStatus.IN_PROGRESS, id="early"
        ),
        pytest.param(
            Fate(), STARTING, DUE, PoolState.CREATING, OperationStatus.IN_PROGRESS, id="vm not up"
        ),
        pytest.param(
            Fate(), None, DUE, PoolState.CREATING, OperationStatus.IN_PROGRESS, id="vm not begun"
        ),
        pytest.param(
            Fate(), RUNNING, DUE, PoolState.SUCCEEDED, OperationStatus.SUCCEEDED, id="done"
        ),
        pytest.param(
            Fate(boots=False), None, DUE, PoolState.SUCCEEDED, OperationStatus.SUCCEEDED,
            id="vm never joins",
        ),
        pytest.param(
            Fate(verdict=BROKEN, boots=False), None, DUE, PoolState.FAILED, OperationStatus.FAILED,
            id="no capacity",
        ),
        pytest.param(
            Fate(verdict=BROKEN, boots=False, joins_after=3), None, DUE, PoolState.FAILED,
            OperationStatus.FAILED, id="fails, joins later",
        ),
        pytest.param(
            Fate(extra_seconds=5), RUNNING, DUE, PoolState.CREATING, OperationStatus.IN_PROGRESS,
            id="slow",
        ),
    ],
)  # fmt: skip
def test_a_create_ends_when_it_is_due_and_its_machine_runs(
    fate: Fate, machine: Machine | None, now: float, pool: PoolState, operation: OperationStatus
) -> None:
    begun = created(fate=fate)
    state = begun.state if machine is None else begun.state.with_machine(NODE, machine)
    after = advance(state, now)
    assert after.pools["ws1"].state is pool
    assert after.operations[begun.operation.id].status is operation
    assert advance(after, now) is after


def test_a_machine_of_a_failed_pool_joins_later() -> None:
    fate = Fate(verdict=BROKEN, boots=False, joins_after=3)
    state = advance(created(fate=fate).state, DUE)
    assert wanted(state, DUE, PLACE) == {}
    assert next_due(state, DUE) == DUE + 3
    assert wanted(state, DUE + 3, PLACE) == {NODE: STARTING}


def test_a_delete_ends_when_the_machine_is_gone() -> None:
    begun = deleting(succeeded(), DUE)
    assert plan(begun.state, DUE, PLACE, NOTHING).remove == (NODE,)
    late = DUE + 10
    assert advance(begun.state, late).pools["ws1"].state is PoolState.DELETING
    after = advance(begun.state.without_machine(NODE), late)
    assert "ws1" not in after.pools
    assert after.operations[begun.operation.id].status is OperationStatus.SUCCEEDED


def test_a_delete_that_fails_touches_no_machine() -> None:
    begun = deleting(succeeded(), DUE, Fate(verdict=BROKEN))
    assert plan(begun.state, DUE, PLACE, frozenset({NODE})).remove == ()
    assert advance(begun.state, DUE + 10).pools["ws1"].state is PoolState.FAILED


def test_after_a_restart_every_wanted_machine_is_ensured_again() -> None:
    state = succeeded()
    assert plan(state, DUE, PLACE, frozenset({NODE})).start == ()
    assert plan(state, DUE, PLACE, NOTHING).start == (NODE,)


def test_machines_that_nobody_wants_are_removed() -> None:
    state = State(machines={NODE: RUNNING})
    assert plan(state, NOW, PLACE, NOTHING).remove == (NODE,)


def test_scaling_down_removes_the_last_machines() -> None:
    state = succeeded()
    pool = state.pools["ws1"]
    wide = state.with_pool(replace(pool, properties={**pool.properties, "count": 2}))
    assert plan(wide, DUE, PLACE, frozenset({NODE})).start == (PLACE.node_name("ws1", 1),)
    both = wide.with_machine(PLACE.node_name("ws1", 1), replace(RUNNING, index=1))
    narrow = both.with_pool(pool)
    assert plan(narrow, DUE, PLACE, NOTHING).remove == (PLACE.node_name("ws1", 1),)


def test_a_stopped_cluster_switches_machines_off_and_keeps_their_nodes() -> None:
    begun = stop(succeeded(), now=DUE, seconds=1)
    assert isinstance(begun, Accepted)
    assert plan(begun.state, DUE, PLACE, NOTHING).halt == (NODE,)
    stopped = advance(begun.state.without_machine(NODE), DUE + 1)
    assert stopped.cluster.power is Power.STOPPED
    assert wanted(stopped, DUE + 1, PLACE) == {}
    starting = start(stopped, now=DUE + 2, seconds=1)
    assert isinstance(starting, Accepted)
    assert plan(starting.state, DUE + 2, PLACE, NOTHING).start == (NODE,)
    assert advance(starting.state, DUE + 3).cluster.power is Power.RUNNING


def test_a_machine_that_does_not_start_fails_its_pool() -> None:
    begun = created()
    state = begun.state.with_machine(NODE, STARTING)
    after = advance(machine_failed(state, NODE, "kubelet not ready", NOW), NOW)
    failed = after.operations[begun.operation.id]
    assert failed.status is OperationStatus.FAILED
    assert failed.verdict is not None
    assert failed.verdict.code == "VMExtensionProvisioningError"
    assert "kubelet not ready" in failed.verdict.message
    assert plan(after, NOW, PLACE, NOTHING).remove == (NODE,)


def test_the_system_pool_gets_no_machine() -> None:
    state = succeeded()
    adopted = state.with_pool(replace(state.pools["ws1"], adopted=True))
    assert wanted(adopted, DUE, PLACE) == {}


def test_operations_are_forgotten_in_the_end() -> None:
    state = succeeded()
    assert advance(state, DUE + 3599).operations
    assert not advance(state, DUE + 3601).operations
