"""The ways to choose a replica. A gateway counts the requests that went through itself."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_gateway.endpoints.affinity import Load, affinity_key, order
from inference_gateway.endpoints.prompt_start import prompt_start

PATH = "/v1/chat/completions"
AFFINITY, LEAST_LOAD, ROUND_ROBIN = "prefix affinity", "least load", "round robin"


class Policy(Protocol):
    """Chooses one of the replicas with these loads."""

    def choose(self, loads: Sequence[Load], body: bytes) -> int: ...


class PrefixAffinity:
    """The front door's own code."""

    def choose(self, loads: Sequence[Load], body: bytes) -> int:
        return order(affinity_key("m", prompt_start(PATH, body)), loads)[0]


@dataclass
class LeastLoad:
    """The fewest requests in flight; any of those that have as few."""

    drawn: random.Random = field(default_factory=lambda: random.Random(1))

    def choose(self, loads: Sequence[Load], body: bytes) -> int:
        fewest = min(load.in_flight for load in loads)
        idlest = [index for index, load in enumerate(loads) if load.in_flight == fewest]
        return self.drawn.choice(idlest)


@dataclass
class RoundRobin:
    """One after the other."""

    turns: "itertools.count[int]" = field(default_factory=itertools.count)

    def choose(self, loads: Sequence[Load], body: bytes) -> int:
        return next(self.turns) % len(loads)


def make(name: str) -> Policy:
    """A new policy, which has seen no request yet."""
    made: dict[str, Policy] = {
        AFFINITY: PrefixAffinity(),
        LEAST_LOAD: LeastLoad(),
        ROUND_ROBIN: RoundRobin(),
    }
    return made[name]
