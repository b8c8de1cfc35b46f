"""What the subscription can create in the region: SKUs with their restrictions, and quotas."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# Azure's names of these usages, in lower case.
REGIONAL_QUOTA = "cores"
SPOT_QUOTA = "lowprioritycores"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuAvailability:
    """An instance type as this subscription can get it in this region.

    `zones` are AKS's zone numbers ("1", "2", ...), empty in a region without zones.
    `restriction` is why the type is not available at all, empty where it is. `memory_gib` and
    `gpus` are None, and `arch` is empty, where Azure does not report them.
    """

    instance_type: str
    family: str
    vcpus: int
    zones: frozenset[str] = frozenset()
    restricted_zones: frozenset[str] = frozenset()
    restriction: str = ""
    memory_gib: float | None = None
    gpus: int | None = None
    arch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """vCPUs of one family, of the region ("cores") or of spot machines ("lowPriorityCores").
    The usage of a family has the family's name."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """SKUs by instance type and quotas by name, both in lower case.

    An instance type or quota that is absent is unknown, which forbids nothing. `problem` is why
    the subscription cannot create anything, empty where it can. `requested_at` is when the
    requests were sent.
    """

    skus: Mapping[str, SkuAvailability]
    quotas: Mapping[str, Quota]
    requested_at: datetime
    problem: str = ""


def quota_names(family: str, *, spot: bool) -> tuple[str, ...]:
    """The quotas that a machine counts against, in lower case, the narrowest first. Spot
    machines count against no family."""
    if spot:
        return (SPOT_QUOTA,)
    return (family.lower(), REGIONAL_QUOTA) if family else (REGIONAL_QUOTA,)
