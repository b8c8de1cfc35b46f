"""Which replica of a model a prompt belongs to, so that it finds its beginning in a cache. Pure.

Rendezvous hashing (Thaler and Ravishankar, 1998): every replica has a weight for every key, and the
heaviest one takes it. All gateways agree without a word between them, and a replica that joins or
leaves moves its own share of the keys and no other. Loads are bounded as in consistent hashing with
bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2017).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

# 1.25 is what HAProxy and Envoy users commonly set: a hot prefix spills over to a second replica
# before anybody waits for the first.
LOAD_FACTOR = 1.25
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Load:
    """One replica: a name that outlives its process, and its requests in flight."""

    name: str
    in_flight: int


def affinity_key(served_model: str, prompt_start: bytes) -> bytes:
    """The key of a prompt. What a cache holds for one adapter is of no use to another."""
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    digest.update(served_model.encode())
    digest.update(b"\0")
    digest.update(prompt_start)
    return digest.digest()


def rank(key: bytes, names: Sequence[str]) -> list[int]:
    """The indexes of `names`, from the one that the key belongs to on."""
    weights = [
        hashlib.blake2b(name.encode(errors="replace"), digest_size=8, key=key).digest()
        for name in names
    ]
    return sorted(range(len(names)), key=lambda index: (weights[index], names[index]), reverse=True)


def most_in_flight(loads: Sequence[Load]) -> int:
    """The most that affinity gives to one replica: 1.25 times the mean with the next request."""
    total = sum(load.in_flight for load in loads) + 1
    return math.ceil(LOAD_FACTOR * total / len(loads))


def order(key: bytes, loads: Sequence[Load]) -> list[int]:
    """The indexes of `loads`, the best first: by rank as far as loads allow, then by load.

    At least one replica has the mean or less, so the first one is always within the bound.
    """
    most = most_in_flight(loads)
    ranked = rank(key, [load.name for load in loads])
    free = [index for index in ranked if loads[index].in_flight < most]
    busy = [index for index in ranked if loads[index].in_flight >= most]
    return free + sorted(busy, key=lambda index: loads[index].in_flight)
