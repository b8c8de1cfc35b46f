"""What the faults that are switched on do to one request for machines. Pure."""

from dataclasses import dataclass

from tools.aks_emulator.core.capacity_errors import (
    allocation_failed,
    internal_failure,
    sku_not_available,
    zonal_allocation_failed,
)
from tools.aks_emulator.core.catalog import Catalog
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import STANDING, Call, Fault, FaultKind, Faults, take
from tools.aks_emulator.core.market import Order, refusal
from tools.aks_emulator.core.model import Failure, State

LATE = frozenset(
    {
        FaultKind.SKU_CAPACITY,
        FaultKind.ALLOCATION_FAILED,
        FaultKind.ZONAL_ALLOCATION_FAILED,
        FaultKind.OPERATION_FAILS,
        FaultKind.FAILS_THEN_JOINS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How an operation will go. `verdict` None means well; `joins_after` is seconds after its end.

    `boots` says whether machines start at all.
    """

    verdict: Failure | None = None
    extra_seconds: float = 0.0
    boots: bool = True
    joins_after: float | None = None


def draw(
    faults: Faults, order: Order, state: State, catalog: Catalog, location: str
) -> tuple[Fate | ArmError, Faults]:
    """The fate of an order, and the faults that are left after it."""
    call = Call("agentPools.put", order.pool, order.size.name)
    strikes: dict[FaultKind, bool] = {}
    for kind in sorted(STANDING - {FaultKind.SUBSCRIPTION_DISABLED}):
        fault, left = take(faults, (kind,), call)
        if fault is not None and _in_zone(fault, order):
            strikes[kind], faults = True, left
    refused = refusal(order, state, catalog, strikes, location)
    if refused is not None:
        return refused, faults
    late, faults = take(faults, LATE, call)
    slow, faults = delay(faults, call)
    if late is not None:
        return _doomed(late, order, location, slow), faults
    absent, faults = take(faults, (FaultKind.NEVER_JOINS,), call)
    return Fate(extra_seconds=slow, boots=absent is None), faults


def delay(faults: Faults, call: Call) -> tuple[float, Faults]:
    """Seconds that an operation takes longer."""
    slow, faults = take(faults, (FaultKind.SLOW,), call)
    return (slow.seconds if slow is not None else 0.0), faults


def without_machines(faults: Faults, call: Call) -> tuple[Fate, Faults]:
    """The fate of an operation that needs no new machine: it may be slow, or fail."""
    failing, faults = take(faults, (FaultKind.OPERATION_FAILS,), call)
    slow, faults = delay(faults, call)
    verdict = Failure(failing.code, failing.message) if failing is not None else None
    return Fate(verdict=verdict, extra_seconds=slow), faults


def _doomed(fault: Fault, order: Order, location: str, slow: float) -> Fate:
    joins = fault.seconds if fault.kind is FaultKind.FAILS_THEN_JOINS else None
    verdict = _verdict(fault, order, location)
    return Fate(verdict=verdict, extra_seconds=slow, boots=False, joins_after=joins)


def _verdict(fault: Fault, order: Order, location: str) -> Failure:
    match fault.kind:
        case FaultKind.SKU_CAPACITY:
            return sku_not_available(order.size.name, location)
        case FaultKind.ALLOCATION_FAILED:
            return allocation_failed(order.size.name, location)
        case FaultKind.ZONAL_ALLOCATION_FAILED:
            zones = ",".join(order.zones) or "1"
            return zonal_allocation_failed(order.size.name, zones)
        case FaultKind.FAILS_THEN_JOINS:
            return internal_failure()
        case _:
            return Failure(fault.code, fault.message)


def _in_zone(fault: Fault, order: Order) -> bool:
    if fault.kind is not FaultKind.ZONE_RESTRICTED:
        return True
    return fault.zone == "*" or fault.zone in order.zones
