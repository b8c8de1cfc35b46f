"""A price list in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kaito_skus.price_sheet import Price
from workspace_controller.prices.price_list import PriceListAway


@dataclass
class FakePriceList:
    """Answers from `by_region`; without `available` it is away."""

    by_region: dict[str, Mapping[str, Price]] = field(default_factory=dict)
    available: bool = True
    reads: list[str] = field(default_factory=list)

    async def read(self, region: str, instance_types: Sequence[str]) -> Mapping[str, Price]:
        self.reads.append(region)
        if not self.available:
            raise PriceListAway("prices.example does not answer in time")
        known = self.by_region.get(region, {})
        return {name: known[name] for name in instance_types if name in known}
