"""The simulated region: its instance types, VM families and quotas."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpu_provisioner.cloud.availability import Availability, Quota, SkuAvailability
from gpu_provisioner.cloud.errors import LaunchRefused
from kaito_api.reasons import Reason
from tests.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True)
class InstanceType:
    name: str
    family: str
    vcpus: int
    gpus: int


V100 = InstanceType("Standard_NC6s_v3", "standardNCSv3Family", 6, 1)
V100X2 = InstanceType("Standard_NC12s_v3", "standardNCSv3Family", 12, 2)
A100 = InstanceType("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", 24, 1)
TYPES = {type_.name: type_ for type_ in (V100, V100X2, A100)}
PLENTY = 1000
NAME = "simland"
ZONES = ("1", "2", "3")


@dataclass
class Region:
    """Whoever creates and deletes pools keeps `used` up to date."""

    sim: Simulation
    limits: dict[str, int] = field(default_factory=lambda: {V100.family: PLENTY, A100.family: 96})
    used: dict[str, int] = field(default_factory=lambda: {V100.family: 0, A100.family: 0})
    withheld: set[str] = field(default_factory=set)
    withheld_zones: set[tuple[str, str]] = field(default_factory=set)

    def check(self, type_: InstanceType, zones: Sequence[str] = (), *, spot: bool = False) -> None:
        """Check that one more machine is available, in one of the zones if there are any.

        Raises:
            LaunchRefused: the type is withheld or its quota is used up.
        """
        if type_.name in self.withheld or (zones and not self.open_zones(type_, zones)):
            where = f"zones {', '.join(zones)} of {NAME}" if zones else NAME
            raise LaunchRefused(
                Reason.SKU_NOT_AVAILABLE, f"{type_.name} is not available in {where}"
            )
        if spot:
            # Azure counts spot machines against another quota, which is plenty here.
            return
        left = self.limits[type_.family] - self.used[type_.family]
        if left < type_.vcpus:
            raise LaunchRefused(
                Reason.QUOTA_EXCEEDED, f"{type_.family}: {type_.vcpus} vCPUs needed, {left} left"
            )

    def open_zones(self, type_: InstanceType, zones: Sequence[str]) -> list[str]:
        """Those of the zones that have machines of the type."""
        return [zone for zone in zones if (type_.name, zone) not in self.withheld_zones]

    def availability(self) -> Availability:
        offers = {
            type_.name.lower(): SkuAvailability(
                instance_type=type_.name,
                family=type_.family,
                vcpus=type_.vcpus,
                zones=frozenset(ZONES),
                restricted_zones=frozenset(
                    zone for name, zone in self.withheld_zones if name == type_.name
                ),
                restriction="NotAvailableForSubscription" if type_.name in self.withheld else "",
            )
            for type_ in TYPES.values()
        }
        quotas = {
            family.lower(): Quota(used=self.used[family], limit=limit)
            for family, limit in self.limits.items()
        }
        return Availability(skus=offers, quotas=quotas, requested_at=self.sim.clock.now())
