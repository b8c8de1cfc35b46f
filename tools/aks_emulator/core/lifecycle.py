"""How operations end as time passes, and which machines should exist. Pure and level-triggered.

`advance` may be called at any time and any number of times. `plan` compares the desired machines
with the recorded ones, regardless of what happened in between.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tools.aks_emulator.core.capacity_errors import extension_failed
from tools.aks_emulator.core.drain_errors import pod_drain_failure
from tools.aks_emulator.core.model import (
    ClusterState,
    Machine,
    MachinePhase,
    Operation,
    OperationKind,
    OperationStatus,
    Pool,
    PoolState,
    Power,
    State,
)
from tools.aks_emulator.core.resource_ids import ResourceIds

# ARM keeps the status of finished operations for a limited time as well.
OPERATION_RETENTION_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Names of nodes to start, to power off (the Node object stays) and to remove."""

    start: tuple[str, ...]
    power_off: tuple[str, ...]
    remove: tuple[str, ...]


def advance(state: State, now: float) -> State:
    """Complete every operation that is due and whose machines are in place."""
    due = [o for o in state.operations.values() if o.in_flight and o.due_at <= now]
    machines = _phases_by_pool(state.machines.values()) if due else {}
    for operation in due:
        if _machines_ready(operation, state, machines):
            state = _end(state, operation, now)
    return _drop_old_operations(state, now)


def next_due(state: State, now: float) -> float | None:
    """The next time at which the passing of time alone changes something."""
    ends = (o.due_at for o in state.operations.values() if o.in_flight)
    boots = (p.boots_at for p in state.pools.values() if p.boots_at is not None)
    return min((t for t in (*ends, *boots) if t > now), default=None)


def desired_machines(state: State, now: float, ids: ResourceIds) -> dict[str, Machine]:
    """The machines that should exist, by node name."""
    if not _is_powered_on(state):
        return {}
    desired: dict[str, Machine] = {}
    for pool in state.pools.values():
        if pool.adopted or _is_being_deleted(pool, state):
            continue
        if pool.boots_at is not None and pool.boots_at <= now:
            for index in range(pool.count):
                node = ids.node_name(pool.name, index)
                desired[node] = Machine(pool.name, index, MachinePhase.STARTING)
    return desired


def plan(state: State, now: float, ids: ResourceIds, ensured: frozenset[str]) -> Plan:
    """`ensured` are the nodes that this process has started itself: none after a restart."""
    desired = desired_machines(state, now, ids)
    surplus = [node for node in state.machines if node not in desired]
    # In a stopped cluster the Nodes stay, unless their pool is being deleted.
    off = (
        []
        if _is_powered_on(state)
        else [n for n in surplus if _has_live_pool(state, state.machines[n])]
    )
    return Plan(
        start=tuple(node for node in desired if node not in ensured),
        power_off=tuple(off),
        remove=tuple(node for node in surplus if node not in off),
    )


def evict(state: State, name: str) -> State | None:
    """Evict a pool's machines as Azure does with spot machines; the pool itself does not change.

    None if there is no such pool, or it has no machines.
    """
    pool = state.pools.get(name)
    if pool is None or pool.adopted or pool.boots_at is None:
        return None
    return state.with_pool(replace(pool, boots_at=None))


def machine_failed(state: State, node: str, reason: str, now: float) -> State:
    """Record that a machine could not be started: its pool's operation fails as it would on AKS."""
    machine = state.machines.get(node)
    pool = state.pools.get(machine.pool) if machine is not None else None
    if pool is None:
        return state
    state = state.with_pool(replace(pool, boots_at=None))
    operation = state.operation_on(pool)
    if operation is None or operation.kind is OperationKind.DELETE:
        return state
    verdict = extension_failed(node, reason)
    return state.with_operation(replace(operation, verdict=verdict, due_at=now))


def needs_drain(state: State, node: str) -> bool:
    """Whether AKS drains the machine before it removes it: its pool is being deleted, and the
    request did not ask to ignore disruption budgets."""
    machine = state.machines.get(node)
    pool = state.pools.get(machine.pool) if machine is not None else None
    operation = state.operation_on(pool) if pool is not None else None
    is_running = machine is not None and machine.phase is MachinePhase.RUNNING
    is_delete = operation is not None and operation.kind is OperationKind.DELETE
    return is_running and is_delete and operation is not None and not operation.ignores_budgets


def drain_failed(state: State, node: str, pods: Sequence[str], now: float) -> State:
    """Record that budgets hold pods of the machine: the deletion of its pool fails, and the machine
    stays."""
    machine = state.machines.get(node)
    pool = state.pools.get(machine.pool) if machine is not None else None
    operation = state.operation_on(pool) if pool is not None else None
    if operation is None or operation.kind is not OperationKind.DELETE:
        return state
    verdict = pod_drain_failure(node, pods)
    return state.with_operation(replace(operation, verdict=verdict, due_at=now))


def _machines_ready(
    operation: Operation, state: State, machines: dict[str, list[MachinePhase]]
) -> bool:
    if operation.verdict is not None or operation.pool is None:
        return True
    pool = state.pools.get(operation.pool)
    phases = machines.get(operation.pool, [])
    if pool is None or pool.adopted:
        return True
    if operation.kind is OperationKind.DELETE:
        return not phases
    if pool.boots_at is None:
        return True
    return len(phases) == pool.count and all(p is MachinePhase.RUNNING for p in phases)


def _end(state: State, operation: Operation, now: float) -> State:
    failed = operation.verdict is not None
    status = OperationStatus.FAILED if failed else OperationStatus.SUCCEEDED
    state = state.with_operation(replace(operation, status=status, ended_at=now))
    if operation.pool is None:
        return _end_power(state, operation, failed)
    pool = state.pools.get(operation.pool)
    if pool is None:
        return state
    if operation.kind is OperationKind.DELETE and not failed:
        return state.without_pool(pool.name)
    ended = PoolState.FAILED if failed else PoolState.SUCCEEDED
    return state.with_pool(replace(pool, state=ended, revision=pool.revision + 1))


def _end_power(state: State, operation: Operation, failed: bool) -> State:
    power = Power.STOPPED if operation.kind is OperationKind.STOP else Power.RUNNING
    kept = state.cluster.power if failed else power
    return replace(state, cluster=replace(state.cluster, state=ClusterState.SUCCEEDED, power=kept))


def _is_powered_on(state: State) -> bool:
    """Machines power off when a stop begins, and on when a start begins."""
    match state.cluster.state:
        case ClusterState.STOPPING:
            return False
        case ClusterState.STARTING:
            return True
        case _:
            return state.cluster.power is Power.RUNNING


def _has_live_pool(state: State, machine: Machine) -> bool:
    pool = state.pools.get(machine.pool)
    return pool is not None and not _is_being_deleted(pool, state)


def _is_being_deleted(pool: Pool, state: State) -> bool:
    """Whether the machines should go; a delete that will fail does not touch them."""
    if pool.state is not PoolState.DELETING:
        return False
    operation = state.operation_on(pool)
    return operation is None or operation.verdict is None


def _phases_by_pool(machines: Iterable[Machine]) -> dict[str, list[MachinePhase]]:
    found: dict[str, list[MachinePhase]] = defaultdict(list)
    for machine in machines:
        found[machine.pool].append(machine.phase)
    return found


def _drop_old_operations(state: State, now: float) -> State:
    """Drop operations that ended longer ago than the retention time."""
    old = {
        o.id
        for o in state.operations.values()
        if o.ended_at is not None and o.ended_at < now - OPERATION_RETENTION_SECONDS
    }
    if not old:
        return state
    return replace(state, operations={k: v for k, v in state.operations.items() if k not in old})
