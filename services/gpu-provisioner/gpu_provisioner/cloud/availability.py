"""What may be bought: SKUs and quotas."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

REGIONAL_QUOTA = "cores"
SPOT_QUOTA = "lowprioritycores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A machine type as it is sold to this subscription in this region. `zones` are those in
    which it may be had ("1", "2", ...), empty where the region has none; `withheld` says why it
    may not be had at all, and is empty where it may. `memory_gib` and `gpus` are None, `arch` is
    empty, where the cloud does not tell."""

    instance_type: str
    family: str
    vcpus: int
    zones: frozenset[str] = frozenset()
    zones_withheld: frozenset[str] = frozenset()
    withheld: str = ""
    memory_gib: float | None = None
    gpus: int | None = None
    arch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """vCPUs of one family, of the region ("cores") or of spot ("lowPriorityCores"). The counter of
    a family is named as the family."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What may be bought: offers by machine type, in lower case, and quotas by name, in lower
    case. A type or a quota that is not there is not known, which forbids nothing. `trouble` is
    why the subscription itself may buy nothing, empty where it may."""

    offers: Mapping[str, Offer]
    quotas: Mapping[str, Quota]
    asked: datetime
    trouble: str = ""


def quota_names(family: str, *, spot: bool) -> tuple[str, ...]:
    """The quotas that a machine counts in, in lower case; the narrowest first. Spot machines
    count in no family."""
    if spot:
        return (SPOT_QUOTA,)
    return (family.lower(), REGIONAL_QUOTA) if family else (REGIONAL_QUOTA,)
