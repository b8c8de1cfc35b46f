"""The MIG profiles of NVIDIA GPUs, and parsing of their names. Pure."""

import re

from kaito_skus.sku import GpuSet, MigProfile, Vendor

_FORM = re.compile(r"^(\d+)g\.(\d+)gb$")

# The union over all GPU models: each supports only some of them.
_MEMORY_GB_BY_SLICES = {
    1: (5, 6, 10, 12, 18, 20, 23, 24, 35, 45),
    2: (10, 12, 20, 24, 35, 45),
    3: (20, 40, 47, 48, 71, 90),
    4: (20, 24, 40, 47, 48, 71, 90),
    7: (40, 80, 94, 96, 141, 180),
}

PROFILES = tuple(
    MigProfile(slices, memory_gb)
    for slices, memories_gb in _MEMORY_GB_BY_SLICES.items()
    for memory_gb in memories_gb
)


def parse(name: str) -> MigProfile | None:
    """The profile with that name, such as "3g.40gb", or None if no GPU supports it."""
    match = _FORM.match(name)
    if match is None:
        return None
    profile = MigProfile(int(match.group(1)), int(match.group(2)))
    return profile if profile in PROFILES else None


def slice_of(profile: MigProfile, *, model: str = "NVIDIA MIG") -> GpuSet:
    """The GPU that a pod sees in one such slice."""
    return GpuSet(
        model=model,
        vendor=Vendor.NVIDIA,
        count=1,
        memory_gib=float(profile.memory_gb),
        mig=profile,
    )
