"""Trouble that can be switched on: what kinds there are, what they match, how often. Pure."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from tools.aks_emulator.core.model import Json


class FaultKind(StrEnum):
    NO_FAMILY_QUOTA = "no-family-quota"
    NO_REGIONAL_QUOTA = "no-regional-quota"
    SKU_NOT_AVAILABLE = "sku-not-available"
    ZONE_RESTRICTED = "zone-restricted"
    SUBSCRIPTION_DISABLED = "subscription-disabled"
    SKU_CAPACITY = "sku-capacity"
    ALLOCATION_FAILED = "allocation-failed"
    ZONAL_ALLOCATION_FAILED = "zonal-allocation-failed"
    OPERATION_FAILS = "operation-fails"
    FAILS_THEN_JOINS = "fails-then-joins"
    NEVER_JOINS = "never-joins"
    SLOW = "slow"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    LOST_RESPONSE = "lost-response"
    TOKEN_REFUSED = "token-refused"


MEANING: Mapping[FaultKind, str] = {
    FaultKind.NO_FAMILY_QUOTA: "no vCPU quota is left for the size's family",
    FaultKind.NO_REGIONAL_QUOTA: "no vCPU quota is left in the region",
    FaultKind.SKU_NOT_AVAILABLE: "the size is not sold to this subscription in this region",
    FaultKind.ZONE_RESTRICTED: "the size is not sold in --zone",
    FaultKind.SUBSCRIPTION_DISABLED: "the subscription is disabled: reads only",
    FaultKind.SKU_CAPACITY: "the operation ends in SkuNotAvailable",
    FaultKind.ALLOCATION_FAILED: "the operation ends in AllocationFailed",
    FaultKind.ZONAL_ALLOCATION_FAILED: "the operation ends in ZonalAllocationFailed",
    FaultKind.OPERATION_FAILS: "the operation ends in --code and --message",
    FaultKind.FAILS_THEN_JOINS: "reported failed; the machine joins --seconds later",
    FaultKind.NEVER_JOINS: "the operation succeeds, the machine never joins",
    FaultKind.SLOW: "the operation takes --seconds longer",
    FaultKind.THROTTLED: "429 with Retry-After of --seconds",
    FaultKind.SERVER_ERROR: "500",
    FaultKind.FORBIDDEN: "403 AuthorizationFailed",
    FaultKind.CONFLICT: "409: another operation is in progress on the cluster",
    FaultKind.LOST_RESPONSE: "the request takes effect, the connection is cut",
    FaultKind.TOKEN_REFUSED: "the token endpoint refuses the client",
}

STANDING = frozenset(
    {
        FaultKind.NO_FAMILY_QUOTA,
        FaultKind.NO_REGIONAL_QUOTA,
        FaultKind.SKU_NOT_AVAILABLE,
        FaultKind.ZONE_RESTRICTED,
        FaultKind.SUBSCRIPTION_DISABLED,
    }
)
"""Faults of the world itself: whoever lists quota, SKUs or the subscription sees them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`pool`, `vm_size` and `operation` are globs; `count` None means until cleared.

    A `hidden` standing fault isn't shown by listings: it strikes after a pre-flight check passed.
    """

    id: str
    kind: FaultKind
    pool: str = "*"
    vm_size: str = "*"
    operation: str = "*"
    count: int | None = None
    seconds: float = 5.0
    zone: str = "*"
    code: str = "InternalExecutionError"
    message: str = "An internal execution error occurred while provisioning the agent pool."
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """What a request is about, as far as a fault can match it. Empty means not applicable."""

    operation: str
    pool: str = ""
    vm_size: str = ""


Faults = tuple[Fault, ...]


def matches(fault: Fault, call: Call) -> bool:
    return (
        fnmatchcase(call.operation, fault.operation)
        and fnmatchcase(call.pool, fault.pool)
        and fnmatchcase(call.vm_size.lower(), fault.vm_size.lower())
    )


def take(faults: Faults, kinds: Collection[FaultKind], call: Call) -> tuple[Fault | None, Faults]:
    """The first fault that strikes this call, and the faults that are left after it."""
    for fault in faults:
        if fault.kind in kinds and matches(fault, call):
            return fault, _spent(faults, fault)
    return None, faults


def shown(faults: Faults, kind: FaultKind, vm_size: str) -> Fault | None:
    """The standing fault of a kind that listings show for a size."""
    call = Call("", "", vm_size)
    candidates = (f for f in faults if f.kind is kind and not f.hidden and f.pool == "*")
    return next((f for f in candidates if matches(replace(f, operation="*"), call)), None)


def _spent(faults: Faults, fault: Fault) -> Faults:
    if fault.count is None:
        return faults
    if fault.count <= 1:
        return tuple(f for f in faults if f is not fault)
    less = replace(fault, count=fault.count - 1)
    return tuple(less if f is fault else f for f in faults)


def parse(asked: Json) -> Fault | str:
    """A fault from JSON, or what is wrong with it."""
    kind = asked.get("kind")
    if kind not in list(FaultKind):
        return f"kind {kind!r} is unknown: use one of {', '.join(FaultKind)}"
    known = {f.name: f.type for f in fields(Fault)}
    unknown = sorted(asked.keys() - known.keys())
    if unknown:
        return f"unknown field {', '.join(unknown)}: use {', '.join(sorted(known))}"
    problem = next((p for name in asked if (p := _type_problem(name, asked[name]))), None)
    if problem is not None:
        return problem
    given = {k: v for k, v in asked.items() if v is not None and k != "kind"}
    return Fault(**{"id": uuid.uuid4().hex[:8], **given, "kind": FaultKind(kind)})


def _type_problem(name: str, value: object) -> str | None:
    wanted: tuple[type, ...] = (str,)
    if name == "count":
        wanted = (int,)
    elif name == "seconds":
        wanted = (int, float)
    elif name == "hidden":
        wanted = (bool,)
    bad_bool = isinstance(value, bool) and bool not in wanted
    if value is not None and (bad_bool or not isinstance(value, wanted)):
        return f"{name} {value!r} must be of type {wanted[-1].__name__}"
    if name in ("count", "seconds") and isinstance(value, int | float) and value < 0:
        return f"{name} {value!r} must not be negative"
    return None


def to_json(fault: Fault) -> Json:
    return {f.name: getattr(fault, f.name) for f in fields(fault)}
