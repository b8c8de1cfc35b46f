"""A price list in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kaito_skus.price_sheet import Price, PriceSheet
from kubectl_kaito.prices.source import PricesUnavailable


@dataclass
class FakePrices:
    """`by_region` has the prices; without `available` nothing answers."""

    now: datetime
    by_region: Mapping[str, Mapping[str, Price]] = field(default_factory=dict)
    available: bool = True
    reads: int = 0

    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        self.reads += 1
        if not self.available:
            raise PricesUnavailable("prices.example does not answer")
        known = self.by_region.get(region, {})
        found = {name: known[name] for name in instance_types if name in known}
        return PriceSheet(region, found, self.now)
