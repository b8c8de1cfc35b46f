"""Decides how an operation will end, given the active faults and the capacity. Pure."""

import json
from dataclasses import dataclass

from tools.aks_emulator.core.availability import CapacityRequest, check_capacity
from tools.aks_emulator.core.capacity_errors import (
    allocation_failed,
    internal_failure,
    sku_not_available,
    zonal_allocation_failed,
)
from tools.aks_emulator.core.catalog import Catalog
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import STANDING, Call, Fault, FaultKind, Faults, take
from tools.aks_emulator.core.model import Failure, State

# These let the operation start and make it fail at its end.
LATE_FAILURES = frozenset(
    {
        FaultKind.SKU_CAPACITY,
        FaultKind.ALLOCATION_FAILED,
        FaultKind.ZONAL_ALLOCATION_FAILED,
        FaultKind.OPERATION_FAILS,
        FaultKind.FAILS_THEN_JOINS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an operation will end: with success, or with the failure in `verdict`.

    `boots` tells whether its machines start at all; with `joins_after` they start that many seconds
    after the operation has ended.
    """

    verdict: Failure | None = None
    extra_seconds: float = 0.0
    boots: bool = True
    joins_after: float | None = None


def inject(
    faults: Faults, capacity: CapacityRequest, state: State, catalog: Catalog, location: str
) -> tuple[Outcome | ArmError, Faults]:
    """The outcome of a request for capacity, and the remaining faults."""
    call = Call("agentPools.put", capacity.pool, capacity.size.name)
    active_faults: dict[FaultKind, bool] = {}
    # Sorted, so that a run with the same faults always has the same result.
    for kind in sorted(STANDING - {FaultKind.SUBSCRIPTION_DISABLED}):
        fault, remaining = take(faults, (kind,), call)
        if fault is not None and _in_zone(fault, capacity):
            active_faults[kind], faults = True, remaining
    error = check_capacity(capacity, state, catalog, active_faults, location)
    if error is not None:
        return error, faults
    late, faults = take(faults, LATE_FAILURES, call)
    slow, faults = delay(faults, call)
    if late is not None:
        return _failing(late, capacity, location, slow), faults
    absent, faults = take(faults, (FaultKind.NEVER_JOINS,), call)
    return Outcome(extra_seconds=slow, boots=absent is None), faults


def delay(faults: Faults, call: Call) -> tuple[float, Faults]:
    """The extra seconds that an operation takes, and the remaining faults."""
    slow, faults = take(faults, (FaultKind.SLOW,), call)
    return (slow.seconds if slow is not None else 0.0), faults


def without_machines(faults: Faults, call: Call) -> tuple[Outcome, Faults]:
    """The outcome of an operation without new machines, which may only be slow or fail."""
    failing, faults = take(faults, (FaultKind.OPERATION_FAILS,), call)
    slow, faults = delay(faults, call)
    verdict = _failure(failing) if failing is not None else None
    return Outcome(verdict=verdict, extra_seconds=slow), faults


def _failing(fault: Fault, capacity: CapacityRequest, location: str, slow: float) -> Outcome:
    joins = fault.seconds if fault.kind is FaultKind.FAILS_THEN_JOINS else None
    verdict = _verdict(fault, capacity, location)
    return Outcome(verdict=verdict, extra_seconds=slow, boots=False, joins_after=joins)


def _verdict(fault: Fault, capacity: CapacityRequest, location: str) -> Failure:
    match fault.kind:
        case FaultKind.SKU_CAPACITY:
            return sku_not_available(capacity.size.name, location)
        case FaultKind.ALLOCATION_FAILED:
            return allocation_failed(capacity.size.name, location)
        case FaultKind.ZONAL_ALLOCATION_FAILED:
            zones = ",".join(capacity.zones) or "1"
            return zonal_allocation_failed(capacity.size.name, zones)
        case FaultKind.FAILS_THEN_JOINS:
            return internal_failure()
        case _:
            return _failure(fault)


def _failure(fault: Fault) -> Failure:
    return Failure(fault.code, fault.message, json.loads(fault.body) if fault.body else None)


def _in_zone(fault: Fault, capacity: CapacityRequest) -> bool:
    if fault.kind is not FaultKind.ZONE_RESTRICTED:
        return True
    return fault.zone == "*" or fault.zone in capacity.zones
