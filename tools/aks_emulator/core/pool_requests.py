"""Handles PUT, DELETE and abort of agent pools: an error, or the state with a new operation. Pure.

`fault_injection` decides which faults strike, `lifecycle` how operations end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tools.aks_emulator.core import pool_properties, validation
from tools.aks_emulator.core.availability import CapacityRequest
from tools.aks_emulator.core.capacity_errors import size_not_allowed
from tools.aks_emulator.core.catalog import VmSize, find
from tools.aks_emulator.core.cluster_settings import ClusterSettings
from tools.aks_emulator.core.errors import (
    ArmError,
    bad_request,
    change_not_allowed,
    etag_mismatch,
    pool_not_found,
)
from tools.aks_emulator.core.fault_injection import Outcome
from tools.aks_emulator.core.model import (
    Operation,
    OperationKind,
    OperationStatus,
    Pool,
    PoolState,
    State,
)
from tools.aks_emulator.core.operations import begin, conflict


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The request headers If-Match and If-None-Match."""

    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class PutPool:
    name: str
    requested: Mapping[str, object]
    preconditions: Preconditions = Preconditions()


@dataclass(frozen=True, slots=True)
class PoolChange:
    """A valid PUT: the resulting pool, and the additional machines that it needs."""

    pool: Pool
    kind: OperationKind
    capacity: CapacityRequest | None


@dataclass(frozen=True, slots=True)
class Accepted:
    state: State
    operation: Operation


def validate(
    state: State, put: PutPool, settings: ClusterSettings, now: float
) -> PoolChange | ArmError:
    """Check everything about a PUT except quota and capacity."""
    old = state.pools.get(put.name)
    problem = (
        validation.check_name(put.name)
        or validation.check(put.requested)
        or _mismatch(old, put.preconditions)
        or conflict(state, put.name)
    )
    if problem is not None:
        return problem
    if old is None:
        return _validate_new(state, put, settings, now)
    return _validate_update(old, put, settings)


def accept(
    state: State, change: PoolChange, outcome: Outcome, settings: ClusterSettings, now: float
) -> Accepted:
    seconds = settings.operation_seconds + outcome.extra_seconds
    operation = begin(
        change.kind, change.pool.name, now=now, seconds=seconds, verdict=outcome.verdict
    )
    pool = replace(
        change.pool,
        operation=operation.id,
        state=PoolState.CREATING if change.kind is OperationKind.CREATE else PoolState.UPDATING,
        boots_at=_boots_at(change, outcome, operation),
    )
    # A scale-up that fails leaves the pool at its old size.
    if outcome.verdict is not None and change.kind is OperationKind.UPDATE:
        pool = replace(pool, properties=_without_growth(state.pools[pool.name], pool))
    return Accepted(state.with_operation(operation).with_pool(pool), operation)


def delete(
    state: State,
    name: str,
    preconditions: Preconditions,
    outcome: Outcome,
    settings: ClusterSettings,
    now: float,
    *,
    ignores_budgets: bool = False,
) -> Accepted | ArmError | None:
    """Start the deletion; None if there is no such pool, which ARM treats as success."""
    pool = state.pools.get(name)
    if pool is None:
        return None
    problem = _mismatch(pool, preconditions) or conflict(state, name) or _last_system(state, pool)
    if problem is not None:
        return problem
    seconds = settings.operation_seconds + outcome.extra_seconds
    operation = begin(
        OperationKind.DELETE,
        name,
        now=now,
        seconds=seconds,
        verdict=outcome.verdict,
        ignores_budgets=ignores_budgets,
    )
    deleting = replace(
        pool, state=PoolState.DELETING, operation=operation.id, revision=pool.revision + 1
    )
    return Accepted(state.with_operation(operation).with_pool(deleting), operation)


def abort(state: State, name: str, now: float) -> Accepted | ArmError:
    """Cancel the operation in flight; what it has already done stays."""
    pool = state.pools.get(name)
    if pool is None:
        return pool_not_found(name)
    operation = state.operation_on(pool)
    if operation is None:
        return bad_request(f"There is no operation in progress on the agent pool '{name}'.")
    canceled = replace(operation, status=OperationStatus.CANCELED, ended_at=now)
    done = replace(
        begin(OperationKind.ABORT, name, now=now, seconds=0),
        status=OperationStatus.SUCCEEDED,
        ended_at=now,
    )
    stopped = replace(pool, state=PoolState.CANCELED, revision=pool.revision + 1)
    state = state.with_operation(canceled).with_operation(done).with_pool(stopped)
    return Accepted(state, done)


def _validate_new(
    state: State, put: PutPool, settings: ClusterSettings, now: float
) -> PoolChange | ArmError:
    if len(state.pools) >= settings.max_pools:
        limit = f"The managed cluster has {len(state.pools)} agent pools of at most"
        return bad_request(f"{limit} {settings.max_pools}. Delete one first.", "agentPoolProfiles")
    properties = pool_properties.with_defaults(put.requested, settings.kubernetes_version)
    pool = Pool(name=put.name, properties=properties, state=PoolState.CREATING, created_at=now)
    size = find(settings.catalog, pool.vm_size)
    if size is None:
        return size_not_allowed(pool.vm_size, settings.ids.location, list(settings.catalog))
    return PoolChange(pool, OperationKind.CREATE, _capacity(pool, size, pool.count))


def _validate_update(old: Pool, put: PutPool, settings: ClusterSettings) -> PoolChange | ArmError:
    forbidden = pool_properties.forbidden_change(old.properties, put.requested)
    if forbidden is not None:
        return change_not_allowed(forbidden)
    properties = pool_properties.updated(old.properties, put.requested)
    pool = replace(old, properties=properties, revision=old.revision + 1)
    # A pool whose machines never started needs all of them, even if the count is unchanged.
    running = old.count if old.boots_at is not None or old.adopted else 0
    size = find(settings.catalog, pool.vm_size)
    more = max(0, pool.count - running)
    capacity = _capacity(pool, size, more) if size is not None and more else None
    return PoolChange(pool, OperationKind.UPDATE, capacity)


def _capacity(pool: Pool, size: VmSize, nodes: int) -> CapacityRequest:
    return CapacityRequest(
        pool=pool.name,
        size=size,
        nodes=nodes,
        spot=pool.properties.get("scaleSetPriority") == "Spot",
        zones=tuple(str(zone) for zone in pool.properties.get("availabilityZones") or ()),
    )


def _boots_at(change: PoolChange, outcome: Outcome, operation: Operation) -> float | None:
    if change.pool.boots_at is not None:
        return change.pool.boots_at
    if outcome.joins_after is not None:
        return operation.due_at + outcome.joins_after
    return operation.started_at if outcome.boots else None


def _without_growth(old: Pool, pool: Pool) -> dict[str, object]:
    return {**pool.properties, "count": min(old.count, pool.count)}


def _mismatch(pool: Pool | None, preconditions: Preconditions) -> ArmError | None:
    current = pool_properties.etag(pool) if pool is not None else None
    if_match, if_none_match = preconditions.if_match, preconditions.if_none_match
    if if_match is not None and (current is None or if_match.strip('"') not in ("*", current)):
        return etag_mismatch()
    if (
        if_none_match is not None
        and current is not None
        and if_none_match.strip('"') in ("*", current)
    ):
        return etag_mismatch()
    return None


def _last_system(state: State, pool: Pool) -> ArmError | None:
    others = (p for p in state.pools.values() if p.name != pool.name)
    if pool.properties["mode"] != "System" or any(p.properties["mode"] == "System" for p in others):
        return None
    return bad_request("There has to be at least one system agent pool.", "agentPoolProfile.mode")
