"""Decides which faults strike, and counts them."""

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """Every fault that a schedule can enable; the values label the final counts."""

    API_LOST = "API answers lost"
    API_REFUSED = "API calls refused"
    API_THROTTLED = "API calls throttled"
    API_CONFLICT = "API conflicts"
    API_SLOW = "API calls slow"
    WATCH_CUT = "watches cut"
    WATCH_LATE = "watch events late"
    WATCH_TWICE = "watch events twice"
    EXPIRED = "watches expired"
    STALE_OBJECTS = "stale lists of objects"
    ARM_LOST = "ARM answers lost"
    ARM_REFUSED = "ARM errors"
    ARM_THROTTLED = "ARM throttled"
    ARM_UNAUTHORIZED = "ARM forbidden"
    ARM_SLOW = "ARM calls slow"
    ARM_BUSY = "ARM busy"
    STALE_POOLS = "stale lists of pools"
    CREATE_FAILS = "creates failed late"
    CREATE_LIES = "creates failed, machine joined"
    CREATE_SLOW = "creates slow"
    DELETE_FAILS = "deletes failed"
    NAME_TAKEN = "pools made by others under a claim's name"
    MARKS_LOST = "tags or node labels of pools replaced"
    QUOTA = "quota gone for a while"
    SKU = "machine type withheld for a while"
    ZONES = "machine types withheld in a zone for a while"
    SPOT = "evictions of all spot machines"
    JOINS_LATE = "machines late"
    NEVER_JOINS = "machines that never joined"
    JOINS_TOO_LATE = "machines that joined as their pool went"
    GPUS_LATE = "GPUs late"
    FLAPS = "nodes flapped"
    BREAKS = "nodes broken for good"
    STOP_START = "cluster stopped and started"
    CRASH = "crashes"
    OUTAGE = "outages of both replicas"
    PAUSE = "processes stopped for a while"
    PARTITION = "replicas cut off the API server"
    SKEW = "skewed clocks"
    CLOCK_SET = "clocks set ahead or back"
    USER_DELETES = "claims deleted by the user"
    USER_DELETES_WHILE_DOWN = "claims deleted as the controllers were down"
    NODE_DELETED = "nodes deleted by the user"
    POOL_DELETED = "pools deleted by someone else"
    FINALIZERS = "claims with finalizers of others"
    PODS = "nodes with pods, some with budgets"
    UPSTREAM = "claims and pools of upstream's provisioner"
    KIND_ABSENT = "kinds of claims not served for a while"
    NO_ROOM = "checks of data without a node"
    CHECK_LOST = "checks of data whose pod was lost"
    UPGRADE = "upgrades of the release, half of them with a wrong tag"
    FORCED = "Workspaces whose finalizer was taken off"


# The probability at each opportunity, at density 1. Faults without one are planned by an actor.
_CHANCES = {
    Fault.API_LOST: 0.02,
    Fault.API_REFUSED: 0.03,
    Fault.API_THROTTLED: 0.02,
    Fault.API_CONFLICT: 0.05,
    Fault.API_SLOW: 0.03,
    Fault.WATCH_CUT: 0.02,
    Fault.WATCH_LATE: 0.05,
    Fault.WATCH_TWICE: 0.1,
    Fault.EXPIRED: 0.05,
    Fault.STALE_OBJECTS: 0.5,
    Fault.ARM_LOST: 0.06,
    Fault.ARM_REFUSED: 0.05,
    Fault.ARM_THROTTLED: 0.03,
    Fault.ARM_UNAUTHORIZED: 0.01,
    Fault.ARM_SLOW: 0.05,
    Fault.ARM_BUSY: 0.2,
    Fault.STALE_POOLS: 0.2,
    Fault.CREATE_FAILS: 0.3,
    Fault.CREATE_LIES: 0.3,
    Fault.CREATE_SLOW: 0.4,
    Fault.DELETE_FAILS: 0.3,
    Fault.NAME_TAKEN: 0.1,
    Fault.JOINS_LATE: 0.3,
    Fault.NEVER_JOINS: 0.15,
    Fault.JOINS_TOO_LATE: 0.5,
    Fault.GPUS_LATE: 0.3,
    Fault.FLAPS: 0.3,
    Fault.BREAKS: 0.4,
    Fault.CRASH: 0.03,
    Fault.PAUSE: 0.006,
    Fault.FINALIZERS: 0.4,
    Fault.PODS: 0.5,
    Fault.NO_ROOM: 0.3,
    Fault.CHECK_LOST: 0.2,
    Fault.FORCED: 0.3,
}


@dataclass
class FaultInjector:
    """`faults` are those enabled in this run; once `is_calm` is set, none of them strikes."""

    rng: random.Random
    faults: frozenset[Fault]
    density: float
    is_calm: bool = False
    fault_counts: Counter[str] = field(default_factory=Counter)

    def is_enabled(self, fault: Fault) -> bool:
        return not self.is_calm and fault in self.faults

    def strikes(self, fault: Fault, factor: float = 1.0) -> bool:
        """Whether the fault strikes now; `factor` scales its probability."""
        if self.is_calm or fault not in self.faults:
            return False
        hit = self.rng.random() < min(0.9, _CHANCES[fault] * self.density * factor)
        if hit:
            self.fault_counts[fault] += 1
        return hit

    def record(self, fault: Fault) -> None:
        """Count a fault that an actor has planned."""
        self.fault_counts[fault] += 1
