"""Resource Manager's and AKS's limits of calls, as token buckets. Pure: the time is given.

Numbers from Azure's documentation of throttling: bucket size, and tokens a second.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Enforcement(StrEnum):
    """What is refused with 429: nothing, or what Resource Manager and AKS would refuse."""

    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Limit:
    """`remaining_header` is the header that shows what is left, where there is one."""

    name: str
    size: float
    per_second: float
    remaining_header: str | None = None


READS = Limit("reads", 250, 25, "x-ms-ratelimit-remaining-subscription-reads")
WRITES = Limit("writes", 200, 10, "x-ms-ratelimit-remaining-subscription-writes")
DELETES = Limit("deletes", 200, 10, "x-ms-ratelimit-remaining-subscription-deletes")
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
    """Missing ones are full."""

    filled: Mapping[str, Bucket] = field(default_factory=dict)

    def level(self, key: str, limit: Limit, now: float) -> float:
        bucket = self.filled.get(key)
        if bucket is None:
            return limit.size
        return min(limit.size, bucket.tokens + (now - bucket.at) * limit.per_second)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after` is None where the call may go on; `remaining` are headers of the answer."""

    buckets: Buckets
    remaining: Mapping[str, str]
    retry_after: int | None
    scope: str = ""


def limits(method: str, operation: str, pool: str) -> dict[str, Limit]:
    """The buckets that a call draws from, by key. Status polls count by their own limit alone."""
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


def draw(buckets: Buckets, keyed: Mapping[str, Limit], now: float) -> Verdict:
    """Takes one token from each bucket, or none and says when to come back."""
    levels = {key: buckets.level(key, limit, now) for key, limit in keyed.items()}
    remaining = {
        limit.remaining_header: str(max(0, int(levels[key]) - 1))
        for key, limit in keyed.items()
        if limit.remaining_header is not None
    }
    for key, limit in keyed.items():
        if levels[key] < 1:
            wait = math.ceil((1 - levels[key]) / limit.per_second)
            return Verdict(buckets, remaining, max(1, wait), limit.name)
    drawn = {key: Bucket(level - 1, now) for key, level in levels.items()}
    return Verdict(Buckets({**buckets.filled, **drawn}), remaining, None)
