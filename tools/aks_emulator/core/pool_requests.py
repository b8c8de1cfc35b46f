"""Decides PUT, DELETE and abort of agent pools: a refusal, or the state with an operation begun.

Pure. Which faults strike is decided in `fates`; how operations end, in `lifecycle`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tools.aks_emulator.core import shapes, validation
from tools.aks_emulator.core.capacity_errors import size_not_allowed
from tools.aks_emulator.core.catalog import Catalog, Size, find
from tools.aks_emulator.core.errors import (
    ArmError,
    bad_request,
    change_not_allowed,
    etag_mismatch,
    pool_not_found,
)
from tools.aks_emulator.core.fates import Fate
from tools.aks_emulator.core.market import Order
from tools.aks_emulator.core.model import (
    Operation,
    OperationKind,
    OperationStatus,
    Pool,
    PoolState,
    State,
)
from tools.aks_emulator.core.operations import begin, conflict
from tools.aks_emulator.core.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every request: place, sizes for sale, and the cluster's own settings."""

    place: Place
    catalog: Catalog
    kubernetes_version: str
    max_pools: int
    operation_seconds: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers If-Match and If-None-Match, as they came."""

    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class PutPool:
    name: str
    asked: Mapping[str, object]
    conditions: Conditions = Conditions()


@dataclass(frozen=True, slots=True)
class Draft:
    """A PUT that AKS would take: the pool as it would become, and the machines it needs more."""

    pool: Pool
    kind: OperationKind
    order: Order | None


@dataclass(frozen=True, slots=True)
class Accepted:
    state: State
    operation: Operation


def examine(state: State, put: PutPool, terms: Terms, now: float) -> Draft | ArmError:
    """Everything that can be said about a PUT before quota and capacity."""
    old = state.pools.get(put.name)
    problem = (
        validation.check_name(put.name)
        or validation.check(put.asked)
        or _mismatch(old, put.conditions)
        or conflict(state, put.name)
    )
    if problem is not None:
        return problem
    if old is None:
        return _examine_new(state, put, terms, now)
    return _examine_change(old, put, terms)


def accept(state: State, draft: Draft, fate: Fate, terms: Terms, now: float) -> Accepted:
    seconds = terms.operation_seconds + fate.extra_seconds
    operation = begin(draft.kind, draft.pool.name, now=now, seconds=seconds, verdict=fate.verdict)
    pool = replace(
        draft.pool,
        operation=operation.id,
        state=PoolState.CREATING if draft.kind is OperationKind.CREATE else PoolState.UPDATING,
        boots_at=_boots_at(draft, fate, operation),
    )
    if fate.verdict is not None and draft.kind is OperationKind.UPDATE:
        pool = replace(pool, properties=_without_growth(state.pools[pool.name], pool))
    return Accepted(state.with_operation(operation).with_pool(pool), operation)


def delete(
    state: State, name: str, conditions: Conditions, fate: Fate, terms: Terms, now: float
) -> Accepted | ArmError | None:
    """None where there is no such pool: to ARM that is a delete that is done."""
    pool = state.pools.get(name)
    if pool is None:
        return None
    problem = _mismatch(pool, conditions) or conflict(state, name) or _last_system(state, pool)
    if problem is not None:
        return problem
    seconds = terms.operation_seconds + fate.extra_seconds
    operation = begin(OperationKind.DELETE, name, now=now, seconds=seconds, verdict=fate.verdict)
    deleting = replace(
        pool, state=PoolState.DELETING, operation=operation.id, revision=pool.revision + 1
    )
    return Accepted(state.with_operation(operation).with_pool(deleting), operation)


def abort(state: State, name: str, now: float) -> Accepted | ArmError:
    """Ends the operation in flight as Canceled; what it had begun stays as it is."""
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


def _examine_new(state: State, put: PutPool, terms: Terms, now: float) -> Draft | ArmError:
    if len(state.pools) >= terms.max_pools:
        limit = f"The managed cluster has {len(state.pools)} agent pools of at most"
        return bad_request(f"{limit} {terms.max_pools}. Delete one first.", "agentPoolProfiles")
    properties = shapes.with_defaults(put.asked, terms.kubernetes_version)
    pool = Pool(name=put.name, properties=properties, state=PoolState.CREATING, created_at=now)
    size = find(terms.catalog, pool.vm_size)
    if size is None:
        return size_not_allowed(pool.vm_size, terms.place.location, list(terms.catalog))
    return Draft(pool, OperationKind.CREATE, _order(pool, size, pool.count))


def _examine_change(old: Pool, put: PutPool, terms: Terms) -> Draft | ArmError:
    forbidden = shapes.forbidden_change(old.properties, put.asked)
    if forbidden is not None:
        return change_not_allowed(forbidden)
    properties = shapes.updated(old.properties, put.asked)
    pool = replace(old, properties=properties, revision=old.revision + 1)
    running = old.count if old.boots_at is not None or old.adopted else 0
    size = find(terms.catalog, pool.vm_size)
    more = max(0, pool.count - running)
    order = _order(pool, size, more) if size is not None and more else None
    return Draft(pool, OperationKind.UPDATE, order)


def _order(pool: Pool, size: Size, nodes: int) -> Order:
    return Order(
        pool=pool.name,
        size=size,
        nodes=nodes,
        spot=pool.properties.get("scaleSetPriority") == "Spot",
        zones=tuple(str(zone) for zone in pool.properties.get("availabilityZones") or ()),
    )


def _boots_at(draft: Draft, fate: Fate, operation: Operation) -> float | None:
    if draft.pool.boots_at is not None:
        return draft.pool.boots_at
    if fate.joins_after is not None:
        return operation.due_at + fate.joins_after
    return operation.started_at if fate.boots else None


def _without_growth(old: Pool, pool: Pool) -> dict[str, object]:
    return {**pool.properties, "count": min(old.count, pool.count)}


def _mismatch(pool: Pool | None, conditions: Conditions) -> ArmError | None:
    current = shapes.etag(pool) if pool is not None else None
    wanted, unwanted = conditions.if_match, conditions.if_none_match
    if wanted is not None and (current is None or wanted.strip('"') not in ("*", current)):
        return etag_mismatch()
    if unwanted is not None and current is not None and unwanted.strip('"') in ("*", current):
        return etag_mismatch()
    return None


def _last_system(state: State, pool: Pool) -> ArmError | None:
    others = (p for p in state.pools.values() if p.name != pool.name)
    if pool.properties["mode"] != "System" or any(p.properties["mode"] == "System" for p in others):
        return None
    return bad_request("There has to be at least one system agent pool.", "agentPoolProfile.mode")
