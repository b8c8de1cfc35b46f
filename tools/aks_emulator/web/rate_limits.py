"""The rate limits of Resource Manager and AKS, as token buckets. Pure: the caller passes the time.

Bucket sizes and refill rates are from Azure's documentation of throttling.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Enforcement(StrEnum):
    """Whether calls over the limits of Resource Manager and AKS are rejected with 429."""

    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket's size and refill rate; `remaining_header` reports the remaining tokens, if any."""

    name: str
    size: float
    per_second: float
    remaining_header: str | None = None


# Resource Manager's limits per subscription.
READS = Limit("reads", 250, 25, "x-ms-ratelimit-remaining-subscription-reads")
WRITES = Limit("writes", 200, 10, "x-ms-ratelimit-remaining-subscription-writes")
DELETES = Limit("deletes", 200, 10, "x-ms-ratelimit-remaining-subscription-deletes")
# AKS's own limits, in addition to those of Resource Manager.
GET_CLUSTER = Limit("GET ManagedCluster", 60, 1)
PUT_POOL = Limit("PUT AgentPool", 20, 1 / 60)
OPERATION_STATUS = Limit("GET Operation Status", 200, 2)
OTHER_CONTAINER = Limit("All Other APIs", 60, 1)


@dataclass(frozen=True, slots=True)
class Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """All buckets by key; a missing one is full."""

    filled: Mapping[str, Bucket] = field(default_factory=dict)

    def level(self, key: str, limit: Limit, now: float) -> float:
        bucket = self.filled.get(key)
        if bucket is None:
            return limit.size
        return min(limit.size, bucket.tokens + (now - bucket.at) * limit.per_second)


@dataclass(frozen=True, slots=True)
class Decision:
    """`retry_after` is None if the call is allowed; `remaining` are headers of the response."""

    buckets: Buckets
    remaining: Mapping[str, str]
    retry_after: int | None
    scope: str = ""


def limits(method: str, operation: str, pool: str) -> dict[str, Limit]:
    """The buckets that a call draws from, by key. Polling a status draws from its own only."""
    if operation.startswith(("operations.", "operationresults.")):
        return {"status": OPERATION_STATUS}
    general = {"GET": READS, "DELETE": DELETES}.get(method, WRITES)
    found = {general.name: general}
    if operation == "agentPools.put":
        found[f"put/{pool}"] = PUT_POOL
    elif operation == "managedClusters.get":
        found["cluster"] = GET_CLUSTER
    elif operation.startswith(("agentPools.", "managedClusters.")):
        found["other"] = OTHER_CONTAINER
    return found


def take(buckets: Buckets, keyed: Mapping[str, Limit], now: float) -> Decision:
    """Take one token from each bucket, or none and report when to retry."""
    levels = {key: buckets.level(key, limit, now) for key, limit in keyed.items()}
    remaining = {
        limit.remaining_header: str(max(0, int(levels[key]) - 1))
        for key, limit in keyed.items()
        if limit.remaining_header is not None
    }
    for key, limit in keyed.items():
        if levels[key] < 1:
            wait = math.ceil((1 - levels[key]) / limit.per_second)
            return Decision(buckets, remaining, max(1, wait), limit.name)
    taken = {key: Bucket(level - 1, now) for key, level in levels.items()}
    return Decision(Buckets({**buckets.filled, **taken}), remaining, None)
