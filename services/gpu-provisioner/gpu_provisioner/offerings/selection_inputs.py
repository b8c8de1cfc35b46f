"""What is known at the moment of a selection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gpu_provisioner.cloud.availability import Availability, SkuAvailability
from gpu_provisioner.offerings.instance_types import Catalog
from gpu_provisioner.offerings.unavailable_offerings import UnavailableOfferings


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionInputs:
    """`availability` is None while it is unknown, and read again at `refresh_at`. `reserved` are
    the vCPUs, by quota, of other claims whose pools the usages do not count yet."""

    catalog: Catalog
    availability: Availability | None
    refresh_at: datetime
    reserved: Mapping[str, int]
    unavailable: UnavailableOfferings
    now: datetime

    @property
    def region(self) -> str:
        return self.catalog.region

    def sku(self, name: str) -> SkuAvailability | None:
        return self.availability.skus.get(name.lower()) if self.availability is not None else None
