"""What a run is like, drawn from its seed: a random few of the faults (so that they do not hide
one another), how dense they come, how many claims there are and for how long."""

import random
from dataclasses import dataclass

from tests.simulation.weather import Fault

# Faults that make a known story together; one is put into every other run as a whole.
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
)

# workspace-controller takes most of a run's time, so that two of three do without. What is about
# it is drawn apart.
_WITH_CONTROLLERS = 1 / 3
_OF_WORKSPACES = (Fault.FORCED,)
_OF_ALL = tuple(fault for fault in Fault if fault not in _OF_WORKSPACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`storm` is for how many seconds things go wrong; `lease` how long a Lease lasts;
    `controllers` how many replicas of workspace-controller ask for nodes, none where the claims
    are made by an actor that does as it does."""

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
