"""The parameters of a run, drawn from its seed.

Each run enables only a few of the faults, so that they do not hide one another.
"""

import random
from dataclasses import dataclass

from tests.simulation.fault_injector import Fault

# Combinations of faults known from real incidents; every other run gets one of them completely.
STORIES = (
    (Fault.CRASH, Fault.CREATE_SLOW, Fault.USER_DELETES_WHILE_DOWN),
    (Fault.CREATE_LIES, Fault.JOINS_LATE),
    (Fault.STOP_START,),
    (Fault.ARM_LOST, Fault.CRASH),
    (Fault.PAUSE, Fault.CREATE_FAILS, Fault.CREATE_LIES),
    (Fault.PARTITION, Fault.USER_DELETES),
    (Fault.STALE_OBJECTS, Fault.STALE_POOLS, Fault.CRASH),
    (Fault.API_CONFLICT, Fault.API_LOST, Fault.API_REFUSED),
    (Fault.ARM_THROTTLED, Fault.ARM_REFUSED),
    (Fault.DELETE_FAILS, Fault.USER_DELETES),
    (Fault.BREAKS, Fault.FLAPS),
    (Fault.MARKS_LOST, Fault.USER_DELETES, Fault.CRASH),
    (Fault.KIND_ABSENT, Fault.CRASH),
    (Fault.PODS, Fault.USER_DELETES, Fault.FINALIZERS),
    (Fault.NAME_TAKEN, Fault.CREATE_FAILS),
    (Fault.SPOT, Fault.ZONES),
    (Fault.UPSTREAM, Fault.USER_DELETES, Fault.CRASH),
    (Fault.JOINS_TOO_LATE, Fault.JOINS_LATE, Fault.USER_DELETES),
    (Fault.CLOCK_SET, Fault.CRASH, Fault.JOINS_LATE),
)

# workspace-controller takes most of a run's time, so two of three runs go without it. Its
# parameters have their own random generator, so that they do not change those of the other runs.
_WITH_CONTROLLERS = 1 / 3
_OF_WORKSPACES = (Fault.UPGRADE, Fault.FORCED, Fault.NO_ROOM, Fault.CHECK_LOST)
_OF_ALL = tuple(fault for fault in Fault if fault not in _OF_WORKSPACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`storm` and `lease` are durations in seconds: of fault injection, and of a Lease.

    `controllers` is the number of workspace-controller replicas. With none, an actor creates the
    claims in its place.
    """

    seed: int
    faults: frozenset[Fault]
    density: float
    replicas: int
    most_claims: int
    foreign_pools: int
    storm: float
    lease: float
    controllers: int = 0


def draw(seed: int) -> Schedule:
    rng = random.Random(f"schedule {seed}")
    share = rng.choice((0.08, 0.15, 0.3, 0.5))
    faults = {fault for fault in _OF_ALL if rng.random() < share}
    if rng.random() < 0.5:
        faults |= set(rng.choice(STORIES))
    controllers = 0
    if (asking := random.Random(f"asking {seed}")).random() < _WITH_CONTROLLERS:
        controllers = asking.choice((1, 2))
        faults |= {fault for fault in _OF_WORKSPACES if asking.random() < share}
    return Schedule(
        seed=seed,
        faults=frozenset(faults),
        density=rng.choice((0.5, 1.0, 1.0, 2.0)),
        replicas=rng.choice((1, 2, 2)),
        most_claims=rng.choice((1, 2, 3, 4, 6)),
        foreign_pools=rng.choice((0, 1, 2)),
        storm=rng.uniform(300, 1800),
        lease=rng.choice((20.0, 60.0, 60.0)),
        controllers=controllers,
    )
