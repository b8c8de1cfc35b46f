"""Faults that can be turned on: their kinds, what they match, and how often they strike. Pure."""

import json
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
    REFUSED = "refused"
    CONFLICT = "conflict"
    LOST_RESPONSE = "lost-response"
    TOKEN_REFUSED = "token-refused"


DESCRIPTIONS: Mapping[FaultKind, str] = {
    FaultKind.NO_FAMILY_QUOTA: "no vCPU quota is left for the size's family",
    FaultKind.NO_REGIONAL_QUOTA: "no vCPU quota is left in the region",
    FaultKind.SKU_NOT_AVAILABLE: "the size is not available to this subscription in this region",
    FaultKind.ZONE_RESTRICTED: "the size is not available in --zone",
    FaultKind.SUBSCRIPTION_DISABLED: "the subscription is disabled and read-only",
    FaultKind.SKU_CAPACITY: "the operation fails with SkuNotAvailable",
    FaultKind.ALLOCATION_FAILED: "the operation fails with AllocationFailed",
    FaultKind.ZONAL_ALLOCATION_FAILED: "the operation fails with ZonalAllocationFailed",
    FaultKind.OPERATION_FAILS: "the operation fails with --code and --message",
    FaultKind.FAILS_THEN_JOINS: "the operation fails, but the machine joins --seconds later",
    FaultKind.NEVER_JOINS: "the operation succeeds, but the machine never joins",
    FaultKind.SLOW: "the operation takes --seconds longer",
    FaultKind.THROTTLED: "429 with Retry-After of --seconds",
    FaultKind.SERVER_ERROR: "500",
    FaultKind.FORBIDDEN: "403 AuthorizationFailed",
    FaultKind.REFUSED: "a write is answered with --status and --body, or --code and --message",
    FaultKind.CONFLICT: "409: another operation is in progress on the cluster",
    FaultKind.LOST_RESPONSE: "the request takes effect, but the connection is dropped",
    FaultKind.TOKEN_REFUSED: "the token endpoint rejects the client",
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
"""Faults of the environment, which listings of quota, SKUs and subscriptions show as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`pool`, `vm_size` and `operation` are globs; without a `count` it strikes until cleared.

    `body` is the JSON of the error that a refused request is answered with, or that a failed pool
    reports; without it there is one with `code` and `message`.

    Listings do not show a `hidden` standing fault, so it strikes after a preflight check passed.
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
    status: int = 400
    body: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """The properties of a request that a fault can match; empty means not applicable."""

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
    """The first fault that strikes this call, and the remaining faults."""
    for fault in faults:
        if fault.kind in kinds and matches(fault, call):
            return fault, _use(faults, fault)
    return None, faults


def shown(faults: Faults, kind: FaultKind, vm_size: str) -> Fault | None:
    """The standing fault of a kind that listings show for a VM size."""
    call = Call("", "", vm_size)
    candidates = (f for f in faults if f.kind is kind and not f.hidden and f.pool == "*")
    return next((f for f in candidates if matches(replace(f, operation="*"), call)), None)


def _use(faults: Faults, fault: Fault) -> Faults:
    if fault.count is None:
        return faults
    if fault.count <= 1:
        return tuple(f for f in faults if f is not fault)
    used = replace(fault, count=fault.count - 1)
    return tuple(used if f is fault else f for f in faults)


def parse(document: Json) -> Fault | str:
    """A fault from JSON, or a description of what is wrong with it."""
    kind = document.get("kind")
    if kind not in list(FaultKind):
        return f"kind {kind!r} is unknown: use one of {', '.join(FaultKind)}"
    known = {f.name: f.type for f in fields(Fault)}
    unknown = sorted(document.keys() - known.keys())
    if unknown:
        return f"unknown field {', '.join(unknown)}: use {', '.join(sorted(known))}"
    problem = next((p for name in document if (p := _type_problem(name, document[name]))), None)
    problem = problem or _body_problem(document.get("body") or "{}")
    if problem is not None:
        return problem
    values = {k: v for k, v in document.items() if v is not None and k != "kind"}
    return Fault(**{"id": uuid.uuid4().hex[:8], **values, "kind": FaultKind(kind)})


def _body_problem(body: str) -> str | None:
    try:
        is_object = isinstance(json.loads(body), dict)
    except ValueError:
        is_object = False
    return None if is_object else f"body {body!r} must be a JSON object"


def _type_problem(name: str, value: object) -> str | None:
    allowed: tuple[type, ...] = (str,)
    if name in ("count", "status"):
        allowed = (int,)
    elif name == "seconds":
        allowed = (int, float)
    elif name == "hidden":
        allowed = (bool,)
    bad_bool = isinstance(value, bool) and bool not in allowed
    if value is not None and (bad_bool or not isinstance(value, allowed)):
        return f"{name} {value!r} must be of type {allowed[-1].__name__}"
    if name in ("count", "seconds") and isinstance(value, int | float) and value < 0:
        return f"{name} {value!r} must not be negative"
    return None


def to_json(fault: Fault) -> Json:
    return {f.name: getattr(fault, f.name) for f in fields(fault)}
