"""How pools and operations develop over time: state in, state out."""

from dataclasses import replace

import pytest

from tests.aks_emulator.builders import IDS, NOW, SETTINGS, created
from tools.aks_emulator.core.cluster_requests import start, stop
from tools.aks_emulator.core.fault_injection import Outcome
from tools.aks_emulator.core.lifecycle import (
    advance,
    desired_machines,
    machine_failed,
    next_due,
    plan,
)
from tools.aks_emulator.core.model import (
    Failure,
    Machine,
    MachinePhase,
    OperationStatus,
    PoolState,
    Power,
    State,
)
from tools.aks_emulator.core.pool_requests import Accepted, Preconditions, delete

NODE = IDS.node_name("ws1", 0)
RUNNING = Machine("ws1", 0, MachinePhase.RUNNING)
STARTING = Machine("ws1", 0, MachinePhase.STARTING)
DUE = NOW + SETTINGS.operation_seconds
BROKEN = Failure("AllocationFailed", "no capacity")
NOTHING = frozenset[str]()


def deleting(state: State, now: float, outcome: Outcome | None = None) -> Accepted:
    result = delete(state, "ws1", Preconditions(), outcome or Outcome(), SETTINGS, now)
    assert isinstance(result, Accepted)
    return result


def succeeded() -> State:
    state = created().state.with_machine(NODE, RUNNING)
    return advance(state, DUE)


@pytest.mark.parametrize(
    ("outcome", "machine", "now", "pool", "operation"),
    [
        pytest.param(
            Outcome(),
            RUNNING,
            DUE - 0.1,
            PoolState.CREATING,
            OperationStatus.IN_PROGRESS,
            id="early",
        ),
        pytest.param(
            Outcome(),
            STARTING,
            DUE,
            PoolState.CREATING,
            OperationStatus.IN_PROGRESS,
            id="vm not up",
        ),
        pytest.param(
            Outcome(),
            None,
            DUE,
            PoolState.CREATING,
            OperationStatus.IN_PROGRESS,
            id="vm not started",
        ),
        pytest.param(
            Outcome(), RUNNING, DUE, PoolState.SUCCEEDED, OperationStatus.SUCCEEDED, id="done"
        ),
        pytest.param(
            Outcome(boots=False),
            None,
            DUE,
            PoolState.SUCCEEDED,
            OperationStatus.SUCCEEDED,
            id="vm never joins",
        ),
        pytest.param(
            Outcome(verdict=BROKEN, boots=False),
            None,
            DUE,
            PoolState.FAILED,
            OperationStatus.FAILED,
            id="no capacity",
        ),
        pytest.param(
            Outcome(verdict=BROKEN, boots=False, joins_after=3),
            None,
            DUE,
            PoolState.FAILED,
            OperationStatus.FAILED,
            id="fails, joins later",
        ),
        pytest.param(
            Outcome(extra_seconds=5),
            RUNNING,
            DUE,
            PoolState.CREATING,
            OperationStatus.IN_PROGRESS,
            id="slow",
        ),
    ],
)
def test_create_ends_when_due_and_its_machine_is_running(
    outcome: Outcome,
    machine: Machine | None,
    now: float,
    pool: PoolState,
    operation: OperationStatus,
) -> None:
    started = created(outcome=outcome)
    state = started.state if machine is None else started.state.with_machine(NODE, machine)
    after = advance(state, now)
    assert after.pools["ws1"].state is pool
    assert after.operations[started.operation.id].status is operation
    assert advance(after, now) is after


def test_machine_of_a_failed_pool_joins_later() -> None:
    outcome = Outcome(verdict=BROKEN, boots=False, joins_after=3)
    state = advance(created(outcome=outcome).state, DUE)
    assert desired_machines(state, DUE, IDS) == {}
    assert next_due(state, DUE) == DUE + 3
    assert desired_machines(state, DUE + 3, IDS) == {NODE: STARTING}


def test_delete_ends_when_the_machine_is_gone() -> None:
    started = deleting(succeeded(), DUE)
    assert plan(started.state, DUE, IDS, NOTHING).remove == (NODE,)
    late = DUE + 10
    assert advance(started.state, late).pools["ws1"].state is PoolState.DELETING
    after = advance(started.state.without_machine(NODE), late)
    assert "ws1" not in after.pools
    assert after.operations[started.operation.id].status is OperationStatus.SUCCEEDED


def test_failing_delete_keeps_the_machine() -> None:
    started = deleting(succeeded(), DUE, Outcome(verdict=BROKEN))
    assert plan(started.state, DUE, IDS, frozenset({NODE})).remove == ()
    assert advance(started.state, DUE + 10).pools["ws1"].state is PoolState.FAILED


def test_every_desired_machine_is_ensured_after_a_restart() -> None:
    state = succeeded()
    assert plan(state, DUE, IDS, frozenset({NODE})).start == ()
    assert plan(state, DUE, IDS, NOTHING).start == (NODE,)


def test_surplus_machines_are_removed() -> None:
    state = State(machines={NODE: RUNNING})
    assert plan(state, NOW, IDS, NOTHING).remove == (NODE,)


def test_scale_down_removes_the_last_machines() -> None:
    state = succeeded()
    pool = state.pools["ws1"]
    wide = state.with_pool(replace(pool, properties={**pool.properties, "count": 2}))
    assert plan(wide, DUE, IDS, frozenset({NODE})).start == (IDS.node_name("ws1", 1),)
    both = wide.with_machine(IDS.node_name("ws1", 1), replace(RUNNING, index=1))
    narrow = both.with_pool(pool)
    assert plan(narrow, DUE, IDS, NOTHING).remove == (IDS.node_name("ws1", 1),)


def test_stopped_cluster_powers_machines_off_and_keeps_their_nodes() -> None:
    started = stop(succeeded(), now=DUE, seconds=1)
    assert isinstance(started, Accepted)
    assert plan(started.state, DUE, IDS, NOTHING).power_off == (NODE,)
    stopped = advance(started.state.without_machine(NODE), DUE + 1)
    assert stopped.cluster.power is Power.STOPPED
    assert desired_machines(stopped, DUE + 1, IDS) == {}
    starting = start(stopped, now=DUE + 2, seconds=1)
    assert isinstance(starting, Accepted)
    assert plan(starting.state, DUE + 2, IDS, NOTHING).start == (NODE,)
    assert advance(starting.state, DUE + 3).cluster.power is Power.RUNNING


def test_machine_that_does_not_start_fails_its_pool() -> None:
    started = created()
    state = started.state.with_machine(NODE, STARTING)
    after = advance(machine_failed(state, NODE, "kubelet not ready", NOW), NOW)
    failed = after.operations[started.operation.id]
    assert failed.status is OperationStatus.FAILED
    assert failed.verdict is not None
    assert failed.verdict.code == "VMExtensionProvisioningError"
    assert "kubelet not ready" in failed.verdict.message
    assert plan(after, NOW, IDS, NOTHING).remove == (NODE,)


def test_adopted_pool_gets_no_machine() -> None:
    state = succeeded()
    adopted = state.with_pool(replace(state.pools["ws1"], adopted=True))
    assert desired_machines(adopted, DUE, IDS) == {}


def test_old_operations_are_dropped() -> None:
    state = succeeded()
    assert advance(state, DUE + 3599).operations
    assert not advance(state, DUE + 3601).operations
